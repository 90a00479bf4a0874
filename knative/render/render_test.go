package render_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"irc.now/knative/render"
)

const root = "../.."

// What docs/deploying.md tells people with settings of their own to do.
func TestACopiedFolderIsAnOverlay(t *testing.T) {
	folder := t.TempDir()
	for from, to := range map[string]string{"base": "base", "components": "components", "overlays/generic": "overlays/mine"} {
		if err := os.CopyFS(filepath.Join(folder, "knative", to), os.DirFS(filepath.Join(root, "knative", from))); err != nil {
			t.Fatal(err)
		}
	}
	overlays, err := render.Overlays(folder)
	if err != nil || !slices.Equal(overlays, []string{"mine"}) {
		t.Errorf("the overlays are %q, %v", overlays, err)
	}
	if objects, err := render.Overlay(folder, "mine"); err != nil || len(objects) < 10 {
		t.Errorf("it has %d objects, %v", len(objects), err)
	}
	if _, err := render.Overlay(folder, "../base"); err == nil {
		t.Error("what is no overlay is rendered")
	}
}

// A name in a manifest that nothing can be built from fails only on the cluster.
func TestEveryImageCanBeBuilt(t *testing.T) {
	overlays, err := render.Overlays(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, overlay := range overlays {
		objects, err := render.Overlay(root, overlay)
		if err != nil {
			t.Fatal(err)
		}
		images := render.Images(objects)
		if len(images) < 10 {
			t.Errorf("%s has only the images %q", overlay, images)
		}
		for _, image := range images {
			file := filepath.Join("longrunning", strings.TrimPrefix(image, "irc.now/"), "Dockerfile")
			if program, ok := strings.CutPrefix(image, "ko://irc.now/"); ok {
				file = filepath.Join(program, "main.go")
			}
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s: %s: %v", overlay, image, err)
			}
		}
	}
}

func TestImagesAreReplacedWhereverTheyStand(t *testing.T) {
	object := render.Object{
		"apiVersion": "irc.now/v1alpha1", "kind": "Resource", "metadata": map[string]any{"name": "a"},
		"image": "ko://irc.now/functions/portal/cmd",
		"env":   []any{map[string]any{"value": "irc.now/soju"}, map[string]any{"value": "see irc.now/soju"}},
	}
	where := map[string]string{"ko://irc.now/functions/portal/cmd": "r/portal@sha256:a"}
	if err := render.ReplaceImages([]render.Object{object}, where); err == nil || !strings.Contains(err.Error(), "irc.now/soju") {
		t.Errorf("an image that nobody built: %v", err)
	}
	where["irc.now/soju"] = "r/soju@sha256:b"
	if err := render.ReplaceImages([]render.Object{object}, where); err != nil {
		t.Fatal(err)
	}
	got, err := render.YAML([]render.Object{object})
	if err != nil {
		t.Fatal(err)
	}
	want := `---
apiVersion: irc.now/v1alpha1
env:
- value: r/soju@sha256:b
- value: see irc.now/soju
image: r/portal@sha256:a
kind: Resource
metadata:
  name: a
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAnOverlayThatIsNotThereIsNamed(t *testing.T) {
	if _, err := render.Overlay(root, "moon"); err == nil || !strings.Contains(err.Error(), `"moon"`) {
		t.Errorf("it says %v", err)
	}
}
