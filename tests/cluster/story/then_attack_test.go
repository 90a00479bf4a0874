//go:build cluster

package story_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"irc.now/shared/bouncer"
)

// TestAStrangersEndlessLineTakesNobodysBouncerAway sends the shared bouncer 250 MB without a line break, which is about what its
// container may have, while somebody is connected.
func TestAStrangersEndlessLineTakesNobodysBouncerAway(t *testing.T) {
	here.onFailure(t)
	kim := here.newcomer(t, "kim")
	kim.Visit("/networks").Says(http.StatusOK, "No networks yet") // the portal makes the user in soju
	host := "irc." + domain
	connected := here.signIn(t, host, kim.Handle, kim.Handle, kim.NewPassword("laptop"))
	before := here.restarts(t, bouncer.Shared)
	stranger, err := here.secured(t.Context(), host)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	sent, block := 0, bytes.Repeat([]byte("a"), 1<<20)
	for range 250 {
		_ = stranger.SetWriteDeadline(time.Now().Add(20 * time.Second))
		n, err := stranger.Write(block)
		sent += n
		if err != nil {
			break
		}
	}
	t.Logf("the stranger was cut off after %d KB", sent>>10)
	connected.Send("PING :still here")
	connected.Expect("PONG", "still here")
	if after := here.restarts(t, bouncer.Shared); after != before {
		t.Errorf("containers of the bouncer were started anew: %d, then %d", before, after)
	}
	if sent > 50<<20 {
		t.Errorf("%d MB of one line were taken", sent>>20)
	}
}

// restarts is how often containers of a bouncer's pod have been started again.
func (w *world) restarts(t *testing.T, name string) (count int32) {
	t.Helper()
	var pods corev1.PodList
	if err := w.List(t.Context(), &pods, ofBouncer(name)...); err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		for _, container := range pod.Status.ContainerStatuses {
			count += container.RestartCount
		}
	}
	return count
}
