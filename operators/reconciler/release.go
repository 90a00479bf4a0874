package reconciler

import (
	"regexp"
	"strconv"

	"k8s.io/apimachinery/pkg/util/version"
)

// release is an operator's version: a semantic one, and how many commits came after it.
type release struct {
	tag   *version.Version
	after int
}

// described is how `git describe` writes a commit after a tag, such as v1.2.0-14-g2414721. By the rules of semantic
// versions alone that would be a forerunner of v1.2.0.
var described = regexp.MustCompile(`^(.+)-([0-9]{1,9})-g[0-9a-f]{4,}$`)

// releaseOf reads a version; ok is false for what is never older or newer, such as "dev".
func releaseOf(text string) (r release, ok bool) {
	if found := described.FindStringSubmatch(text); found != nil {
		after, err := strconv.Atoi(found[2])
		if err != nil {
			return release{}, false
		}
		text, r.after = found[1], after
	}
	tag, err := version.ParseSemantic(text)
	r.tag = tag
	return r, err == nil
}

func (r release) olderThan(other release) bool {
	return r.tag.LessThan(other.tag) || !other.tag.LessThan(r.tag) && r.after < other.after
}
