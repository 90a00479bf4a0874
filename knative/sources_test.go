package knative_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	from     = regexp.MustCompile(`(?m)^FROM (?:--\S+ )?(\S+)(?: AS (\S+))?$`)
	cloned   = regexp.MustCompile(`(?m)^RUN git clone .* --branch \$\{(\w+)\} \S+ (\S+)$`)
	argument = regexp.MustCompile(`(?m)^ARG (\w+)=(\S+)$`)
	digest   = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)
	commit   = regexp.MustCompile(`^[0-9a-f]{40}$`)
	tagged   = regexp.MustCompile(`^[a-z0-9.-]+\.[a-z]+/[a-z0-9./-]+:[a-zA-Z0-9.${}_-]+$`)
)

// movable are the base images and sources whose name can be moved to something else: these are named by a version alone. Who
// learns a digest or a commit writes it there and takes the line away here; a new one cannot be added unseen.
var movable = []string{
	".ko.yaml gcr.io/distroless/static-debian12:nonroot",
	"chat GAMJA", "chat docker.io/library/node:${NODE}-alpine", "chat docker.io/nginxinc/nginx-unprivileged:1.28-alpine",
	"ergo docker.io/library/alpine:3.22", "ergo docker.io/library/golang:${GO}-alpine",
	"soju SOJU", "soju docker.io/library/golang:${GO}-alpine", "soju gcr.io/distroless/static-debian12:nonroot",
}

// unheld are what a Dockerfile takes from elsewhere that is not held by a digest, or by a commit that the build compares.
func unheld(t *testing.T, name, text string) (found []string) {
	t.Helper()
	arguments, stages := map[string]string{}, map[string]bool{}
	for _, a := range argument.FindAllStringSubmatch(text, -1) {
		arguments[a[1]] = a[2]
	}
	for _, f := range from.FindAllStringSubmatch(text, -1) {
		if !stages[f[1]] && !digest.MatchString(f[1]) {
			found = append(found, name+" "+f[1])
		}
		if !stages[f[1]] && !tagged.MatchString(digest.ReplaceAllString(f[1], "")) || strings.Contains(f[1], ":latest") {
			t.Errorf("%s: the image %s has no registry or no version", name, f[1])
		}
		stages[f[2]] = f[2] != ""
	}
	if clones := strings.Count(text, "git clone"); clones != len(cloned.FindAllString(text, -1)) {
		t.Errorf("%s clones in a way that this test does not understand", name)
	}
	for _, c := range cloned.FindAllStringSubmatch(text, -1) {
		held := `RUN test "$(git -C ` + c[2] + ` rev-parse HEAD)" = "${` + c[1] + `_COMMIT}"`
		if !commit.MatchString(arguments[c[1]+"_COMMIT"]) || !strings.Contains(text, held+"\n") {
			found = append(found, name+" "+c[1])
		}
	}
	return found
}

func TestWhatImagesAreMadeOfIsHeldOrListed(t *testing.T) {
	var found []string
	files, err := filepath.Glob("../longrunning/*/Dockerfile")
	if err != nil || len(files) < 3 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, unheld(t, filepath.Base(filepath.Dir(file)), string(text))...)
	}
	ko, err := os.ReadFile("../.ko.yaml")
	if err != nil {
		t.Fatal(err)
	}
	base := regexp.MustCompile(`(?m)^defaultBaseImage: (\S+)$`).FindSubmatch(ko)
	if base == nil {
		t.Fatal(".ko.yaml names no base image")
	}
	if !digest.Match(base[1]) {
		found = append(found, ".ko.yaml "+string(base[1]))
	}
	slices.Sort(found)
	if !slices.Equal(found, movable) {
		t.Errorf("not held are\n%q, listed\n%q", found, movable)
	}
}

func TestTheRuleOfSources(t *testing.T) {
	const sum, id = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef01234567"
	const clone = "RUN git clone --depth 1 --branch ${X} https://a.example/x.git /src\n"
	for text, want := range map[string]int{
		"FROM a.example/b:1" + sum + " AS build\nFROM build\n": 0,
		"FROM a.example/b:1 AS build\nFROM build\n":            1,
		"ARG X=v1\n" + clone:                                   1,
		"ARG X=v1\nARG X_COMMIT=" + id + "\n" + clone:          1,
		"ARG X=v1\nARG X_COMMIT=" + id + "\n" + clone + `RUN test "$(git -C /src rev-parse HEAD)" = "${X_COMMIT}"` + "\n": 0,
	} {
		if found := unheld(t, "a", text); len(found) != want {
			t.Errorf("%q: %q", text, found)
		}
	}
}
