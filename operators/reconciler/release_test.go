package reconciler

import "testing"

// Each is older than all that come after it.
var inOrder = []string{
	"v1.1.9", "v1.2.0-rc.1", "v1.2.0-rc.1-3-g0a1b2c3", "1.2.0", "v1.2.0-2-gdeadbee", "v1.2.0-14-g2414721", "v1.2.1", "v2.0.0",
}

func TestACommitAfterAReleaseIsNewerThanTheRelease(t *testing.T) {
	for i, one := range inOrder {
		for j, other := range inOrder {
			a, knownA := releaseOf(one)
			b, knownB := releaseOf(other)
			if !knownA || !knownB {
				t.Fatalf("%s or %s is not read", one, other)
			}
			if got := a.olderThan(b); got != (i < j) {
				t.Errorf("%s is older than %s: %v", one, other, got)
			}
		}
	}
}

func TestWhatIsNoReleaseIsNeitherOlderNorNewer(t *testing.T) {
	for _, text := range []string{"", "dev", "0471596", "main-3-g0a1b2c3", "v1.2", "dev-0123456789ab"} {
		if r, known := releaseOf(text); known {
			t.Errorf("%q is read as %+v", text, r)
		}
	}
}
