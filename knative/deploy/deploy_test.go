package deploy_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"irc.now/knative/deploy"
	"irc.now/knative/render"
)

func TestARegistryIsAHostAndAPath(t *testing.T) {
	for _, registry := range []string{
		"", "irc-now", "me/irc-now", "https://registry.example/irc-now", "registry.example/irc-now:v1",
		"registry.example/Irc", "registry.example/a b", "registry.example/irc-now/", "--help/x.y",
	} {
		err := deploy.Run(t.Context(), deploy.Config{Root: "../..", Overlay: "generic", Registry: registry})
		if err == nil || !strings.Contains(err.Error(), "REGISTRY") {
			t.Errorf("%q: %v", registry, err)
		}
	}
}

func TestAnOverlayThatIsNotThereIsRefusedBeforeAnythingRuns(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, overlay := range []string{"", "moon", "../base"} {
		err := deploy.Run(t.Context(), deploy.Config{Root: "../..", Overlay: overlay, Registry: "registry.example/irc-now"})
		if err == nil || !strings.Contains(err.Error(), `there are ["generic"`) {
			t.Errorf("%q: %v", overlay, err)
		}
	}
}

// A tag stands for all that an image is made of, and for nothing else: the images of bouncers and networks are made
// anew when, and only when, it changes.
func TestATagIsThatOfTheSources(t *testing.T) {
	root := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tag := func() string {
		t.Helper()
		tag, err := deploy.Tag(root, "tree")
		if err != nil {
			t.Fatal(err)
		}
		return tag
	}
	write("longrunning/tree/Dockerfile", "FROM a AS build\nCOPY one.css longrunning/tree/two.css /theme/\nFROM b\nCOPY --from=build /src/three /x\nADD four /etc/\n")
	for _, name := range []string{"one.css", "longrunning/tree/two.css", "four"} {
		write(name, "a")
	}
	before := tag()
	write("README.md", "b")
	write("longrunning/tree/tree.go", "b")
	if now := tag(); now != before {
		t.Errorf("what is not in the image changes its tag from %s to %s", before, now)
	}
	for _, name := range []string{"one.css", "longrunning/tree/two.css", "four"} {
		write(name, "b")
		now := tag()
		if now == before {
			t.Errorf("%s does not change the tag", name)
		}
		before = now
	}
	write("longrunning/tree/Dockerfile", "FROM c\nCOPY one.css longrunning/tree/two.css four /theme/\n")
	if tag() == before {
		t.Error("the Dockerfile does not change the tag")
	}
}

// A line that is not understood would be left out of the tag.
func TestEveryDockerfileHasATagOfAllItCopies(t *testing.T) {
	for folder, copies := range map[string]int{"soju": 2, "ergo": 0, "chat": 3} {
		content, err := os.ReadFile(filepath.Join("../../longrunning", folder, "Dockerfile"))
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for line := range strings.Lines(string(content)) {
			word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			if (strings.EqualFold(word, "COPY") || strings.EqualFold(word, "ADD")) && !strings.HasPrefix(rest, "--from=") {
				lines++
			}
		}
		if lines != copies {
			t.Errorf("%s takes from the repository in %d lines, want %d", folder, lines, copies)
		}
		if tag, err := deploy.Tag("../..", folder); err != nil || len(tag) != 12 {
			t.Errorf("%s has the tag %q, %v", folder, tag, err)
		}
	}
}

// The page for whoever deploys names what no manifest makes.
func TestThePageNamesEverythingThatIsSupplied(t *testing.T) {
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
		if len(supplied) < 8 {
			t.Fatalf("%s needs only %q", overlay, supplied)
		}
		for _, s := range supplied {
			row := "`" + s.Name + "`"
			if len(s.Keys) > 0 {
				row = "| `" + s.Name + "` | `" + strings.Join(s.Keys, "`, `") + "` |"
			}
			if !strings.Contains(string(page), row) {
				t.Errorf("docs/deploying.md lacks %s for %s", row, s)
			}
		}
	}
}

func TestWhatIsSuppliedIsFoundWhereItIsAskedFor(t *testing.T) {
	objects, err := render.Overlay("../..", "generic")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range deploy.Supplied(objects) {
		got = append(got, strings.TrimSpace(s.String()+" "+strings.Join(s.Keys, ",")))
	}
	want := []string{
		"ClusterIssuer cluster-local", "ClusterIssuer letsencrypt", "ConfigMap irc-now/stripe-prices pro",
		"ConfigMap knative-eventing/kafka-broker-config", "GatewayClass irc-now", "Secret irc-now/oidc introspect-client-secret,portal-client-secret",
		"Secret irc-now/platform-key key", "Secret irc-now/stripe key,webhook-secrets", "Secret irc-now/token-seal-key key",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
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
