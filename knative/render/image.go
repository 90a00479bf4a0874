package render

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// reference is how manifests write an image of ours: a Go program as ko://irc.now/<package>, what has a Dockerfile as
// irc.now/<name>. They stand in image fields and in the environment of the operator.
var reference = regexp.MustCompile(`^(ko://)?irc\.now/[a-z0-9/-]+$`)

// Images lists the references to our images among objects, each once, sorted.
func Images(objects []Object) []string {
	found := map[string]bool{}
	for _, object := range objects {
		walk(map[string]any(object), func(value string) string {
			if reference.MatchString(value) {
				found[value] = true
			}
			return value
		})
	}
	return slices.Sorted(maps.Keys(found))
}

// ReplaceImages writes, in the place of each reference to an image of ours, where that image is. It changes objects.
func ReplaceImages(objects []Object, where map[string]string) error {
	for _, image := range Images(objects) {
		if where[image] == "" {
			return fmt.Errorf("no image is known for %s", image)
		}
	}
	for _, object := range objects {
		walk(map[string]any(object), func(value string) string {
			if reference.MatchString(value) {
				return where[value]
			}
			return value
		})
	}
	return nil
}

// walk gives every string below value to change, and keeps what that returns. API versions are not strings of interest:
// they can look like an image.
func walk(value any, change func(string) string) any {
	switch v := value.(type) {
	case string:
		return change(v)
	case map[string]any:
		for key, inner := range v {
			if key != "apiVersion" {
				v[key] = walk(inner, change)
			}
		}
	case []any:
		for i, inner := range v {
			v[i] = walk(inner, change)
		}
	}
	return value
}
