package deploy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"irc.now/knative/deploy"
	"irc.now/knative/render"
)

// The programs that deploying runs, as far as it looks at them. Each notes what it was asked in the file calls; what
// kubectl is told to apply is kept.
var programs = map[string]string{
	"git": `echo v1.2.3`,
	"ko":  `sed 's#ko://irc.now\(.*\)#registry.example/irc.now\1@sha256:aa#'`,
	"docker": `case $1 in
inspect) echo elsewhere.example/x@sha256:cc; name=${4%:*}; echo "$name@sha256:bb" ;;
esac`,
	"kubectl": `case $1 in
apply) cat >>applied; echo "applied" ;;
get) [ -e "lacks-$3" ] || echo "$2/$3" ;;
esac`,
}

// world is a folder with those programs on PATH.
func world(t *testing.T) (folder string, c deploy.Config) {
	t.Helper()
	folder = t.TempDir()
	bin := filepath.Join(folder, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, body := range programs {
		script := "#!/bin/sh\nset -e\ncd '" + folder + "'\necho \"" + name + " $*\" >>calls\n" + body + "\n"
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return folder, deploy.Config{
		Root: "../..", Overlay: "generic", Registry: "registry.example", Engine: "docker", Ko: "ko", Out: new(bytes.Buffer),
		Applied: filepath.Join(folder, "kept", "generic.yaml"),
	}
}

func read(t *testing.T, folder, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestEverythingIsAppliedWithImagesByDigestAndDefinitionsFirst(t *testing.T) {
	folder, c := world(t)
	if err := deploy.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	applied := read(t, folder, "applied")
	var kinds []string
	for document := range strings.SplitSeq(applied, "---\n") {
		var object struct{ Kind string }
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatal(err)
		}
		if object.Kind != "" {
			kinds = append(kinds, object.Kind)
		}
	}
	objects, err := render.Overlay(c.Root, c.Overlay)
	if err != nil {
		t.Fatal(err)
	}
	if len(kinds) != len(objects) {
		t.Errorf("%d of %d objects are applied", len(kinds), len(objects))
	}
	last := slices.Index(kinds, "SojuBouncer")
	if definition := slices.Index(kinds, "CustomResourceDefinition"); definition < 0 || last < definition {
		t.Errorf("a bouncer comes before its definition: %q", kinds)
	}
	for _, want := range []string{
		"image: registry.example/irc.now/functions/portal/cmd@sha256:aa", "value: registry.example/soju@sha256:bb",
		"value: registry.example/irc.now/longrunning/bounceradmin/cmd@sha256:aa",
	} {
		if !strings.Contains(applied, want) {
			t.Errorf("nothing says %s", want)
		}
	}
	if kept := read(t, folder, "kept/generic.yaml"); len(kept) != len(applied) {
		t.Error("what is kept is not what is applied")
	}
	if strings.Contains(applied, "ko://") {
		t.Error("an image is left for ko to build")
	}
	calls := read(t, folder, "calls")
	wait, second := strings.Index(calls, "kubectl wait"), strings.LastIndex(calls, "kubectl apply")
	if wait < 0 || second < wait || strings.Index(calls, "kubectl apply") > wait {
		t.Errorf("the definitions are not waited for between two applications:\n%s", calls)
	}
	if !strings.Contains(calls, "docker push registry.example/chat:v1.2.3") {
		t.Errorf("the image of web chat is not pushed:\n%s", calls)
	}
}

func TestWhatOnlyAPersonCanSupplyIsAskedForFirst(t *testing.T) {
	folder, c := world(t)
	if err := os.WriteFile(filepath.Join(folder, "lacks-stripe"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := deploy.Run(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "secret stripe with the keys key, webhook-secrets") {
		t.Errorf("it says %v", err)
	}
	if calls := read(t, folder, "calls"); strings.Contains(calls, "ko ") || strings.Contains(calls, "apply") {
		t.Errorf("something was built or applied:\n%s", calls)
	}
}

func TestARegistryIsNoAddressOfAPage(t *testing.T) {
	_, c := world(t)
	for _, registry := range []string{"", "https://registry.example"} {
		c.Registry = registry
		if err := deploy.Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "REGISTRY") {
			t.Errorf("%q: %v", registry, err)
		}
	}
}

// The page for whoever deploys names every Secret and key, and none that nothing reads.
func TestThePageNamesEverySecret(t *testing.T) {
	page, err := os.ReadFile("../../docs/deploying.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, overlay := range []string{"generic", "openshift"} {
		objects, err := render.Overlay("../..", overlay)
		if err != nil {
			t.Fatal(err)
		}
		supplied := deploy.Supplied(objects)
		if len(supplied) == 0 {
			t.Fatalf("%s needs nothing", overlay)
		}
		for _, s := range supplied {
			row := "| `" + s.Name + "` | `" + strings.Join(s.Keys, "`, `") + "` |"
			if !strings.Contains(string(page), row) {
				t.Errorf("docs/deploying.md lacks the row %s", row)
			}
		}
	}
}

func TestTheSecretsThatAreMadeAreThoseThatAreAskedFor(t *testing.T) {
	objects, err := render.Overlay("../..", "generic")
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string][]string{}
	for _, s := range deploy.Supplied(objects) {
		asked[s.Name] = s.Keys
	}
	once, again := secrets(t), secrets(t)
	for name, values := range once {
		for key, value := range values {
			if !slices.Equal(asked[name], []string{key}) {
				t.Errorf("%s has the key %s, asked for are %q", name, key, asked[name])
			}
			if len(value) < 32 || again[name][key] == value {
				t.Errorf("%s is no secret", name)
			}
		}
	}
}

func secrets(t *testing.T) map[string]map[string]string {
	t.Helper()
	content, err := deploy.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]map[string]string{}
	for document := range strings.SplitSeq(string(content), "---\n") {
		var secret struct {
			Metadata   struct{ Name string }
			StringData map[string]string
		}
		if err := yaml.Unmarshal([]byte(document), &secret); err != nil {
			t.Fatal(err)
		}
		if secret.Metadata.Name != "" {
			made[secret.Metadata.Name] = secret.StringData
		}
	}
	if len(made) == 0 {
		t.Fatal("there are none")
	}
	return made
}
