package settings_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"irc.now/functions"
	"irc.now/knative/settings"
)

const root = "../.."

func TestThePageOfSettingsIsUpToDate(t *testing.T) {
	t.Parallel()
	want, err := settings.Page(root, functions.About)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, settings.Target))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the programs read (%v): run make generate", settings.Target, err)
	}
}

// A program whose settings are not found would have a manifest that is held to nothing.
func TestEveryProgramIsRead(t *testing.T) {
	t.Parallel()
	for name, variable := range map[string]string{
		"portal": "BASE_URL", "introspect": "ACCOUNTS_DATABASE_URL", "landing": "IRC_HOST", "stripe": "STRIPE_WEBHOOK_SECRETS",
		"limits": "BOUNCER_ADMIN_URL", "bounceradmin": "ADMIN_SOCKET", "local": "HTTP_PORT", "operator": "DOMAIN",
	} {
		program, err := settings.Find(root, name)
		if err != nil {
			t.Error(err)
			continue
		}
		read, err := program.Variables(root)
		if err != nil || !slices.ContainsFunc(read, func(v settings.Variable) bool { return v.Name == variable }) {
			t.Errorf("%s reads %+v, not %s (%v)", name, read, variable, err)
		}
	}
	if _, err := settings.Find(root, "moon"); err == nil {
		t.Error("there is a program called moon")
	}
}

// tree writes a module with one function, and gives its root.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	files["functions/tree/cmd/main.go"] = "package main\n"
	files["longrunning/forest/cmd/main.go"] = "package main\n"
	files["operators/operator/operator.go"] = "package operator\n"
	for name, content := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func read(t *testing.T, root string) ([]settings.Variable, error) {
	t.Helper()
	program, err := settings.Find(root, "tree")
	if err != nil {
		t.Fatal(err)
	}
	return program.Variables(root)
}

func TestVariablesAreReadWithWhatTheirCommentsSay(t *testing.T) {
	t.Parallel()
	root := tree(t, map[string]string{
		"functions/tree/tree.go": `package tree

import (
	"time"

	soil "irc.now/shared/earth"
	"irc.now/shared/water"
)

type settings struct {
	soil.Settings
	Height int ` + "`env:\"HEIGHT,required,notEmpty\"`" + ` // of the tree, without Root

	// Root is how deep it goes,
	// and Bark how thick it is.
	Root int ` + "`env:\"ROOT\" envDefault:\"3\"`" + `
	Bark int ` + "`env:\"BARK\"`" + `
	Bees int ` + "`env:\"BEES\"`" + `

	// How many there are.
	Twigs    int ` + "`env:\"TWIGS\"`" + `
	Branches int ` + "`env:\"BRANCHES\"`" + `

	Leaves int ` + "`env:\"LEAVES\"`" + `
	Water  water.Supply
	Since  time.Time
	pool   *water.Pool
}
`,
		"functions/tree/tree_test.go": "package tree\n\ntype settings2 struct {\n\tTest int `env:\"TEST\"`\n}\n",
		"shared/earth/earth.go":       "package earth\n\ntype Settings struct {\n\tDeep int `env:\"DEEP\"` // as it is\n}\n\ntype Other struct {\n\tX int `env:\"OTHER\"`\n}\n",
		"shared/water/water.go":       "package water\n\ntype Supply struct {\n\tRain int `env:\"RAIN\"`\n}\n\ntype Pool struct {\n\tSize int `env:\"SIZE\"`\n}\n",
	})
	got, err := read(t, root)
	if err != nil {
		t.Fatal(err)
	}
	want := []settings.Variable{
		{Name: "DEEP", Meaning: "as it is"},
		{Name: "HEIGHT", Required: true, Meaning: "of the tree, without Root"},
		{Name: "ROOT", Default: "3", Meaning: "`ROOT` is how deep it goes, and `BARK` how thick it is."},
		{Name: "BARK", Meaning: "`ROOT` is how deep it goes, and `BARK` how thick it is."},
		{Name: "BEES"}, // the comment is about others
		{Name: "TWIGS", Meaning: "How many there are."},
		{Name: "BRANCHES", Meaning: "How many there are."},
		{Name: "LEAVES"},
		{Name: "RAIN"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if page, err := settings.Page(root, functions.About); err == nil || strings.Count(err.Error(), "no field of LEAVES") != 1 {
		t.Errorf("a setting without a meaning is in the page (%v):\n%s", err, page)
	}
}

func TestAPrefixIsNotReadWrongly(t *testing.T) {
	t.Parallel()
	root := tree(t, map[string]string{
		"functions/tree/tree.go": "package tree\n\ntype settings struct {\n\tInner struct {\n\t\tA int `env:\"A\"`\n\t} `envPrefix:\"B_\"`\n}\n",
	})
	if got, err := read(t, root); err == nil {
		t.Errorf("it reads %+v", got)
	}
}
