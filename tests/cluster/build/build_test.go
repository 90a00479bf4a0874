package build_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"irc.now/tests/cluster/build"
)

// checkout is one with a small module where CoreDNS's would be.
func checkout(t *testing.T) (config build.Config, module string, said *bytes.Buffer) {
	t.Helper()
	root := t.TempDir()
	module = filepath.Join(root, "tests", "tools", "coredns")
	put(t, filepath.Join(module, "go.mod"), "module small.test\n\ngo 1.26\n\ntool (\n\tsmall.test/one\n\tsmall.test/two/v3\n)\n")
	put(t, filepath.Join(module, "version.go"), "package small\n\nconst Version = \"1\"\n")
	for _, folder := range []string{"one", "two/v3"} {
		put(t, filepath.Join(module, folder, "main.go"), "package main\n\nimport \"small.test\"\n\nfunc main() { print(small.Version) }\n")
	}
	said = &bytes.Buffer{}
	return build.Config{Root: root, Progress: said}, module, said
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// prints is what a program says.
func prints(t *testing.T, c build.Config, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), c.Program("coredns", name)).CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestProgramsAreBuiltOnceAndAgainWhenTheirModuleChanges(t *testing.T) {
	c, module, said := checkout(t)
	rebuild := func() string {
		t.Helper()
		said.Reset()
		if err := c.Build(t.Context(), "coredns"); err != nil {
			t.Fatal(err)
		}
		return said.String()
	}
	if text := rebuild(); !strings.Contains(text, "built coredns") {
		t.Errorf("the first build says %q", text)
	}
	if one, two := prints(t, c, "one"), prints(t, c, "two"); one != "1" || two != "1" {
		t.Errorf("they print %q and %q", one, two)
	}
	if text := rebuild(); text != "" {
		t.Errorf("building what is up to date says %q", text)
	}
	put(t, filepath.Join(module, "version.go"), "package small\n\nconst Version = \"2\"\n")
	rebuild()
	if one := prints(t, c, "one"); one != "2" {
		t.Errorf("after a change it prints %q", one)
	}
	if err := os.Remove(c.Program("coredns", "two")); err != nil {
		t.Fatal(err)
	}
	rebuild()
	if two := prints(t, c, "two"); two != "2" {
		t.Errorf("a program that was removed prints %q", two)
	}
}

func TestOneProgramDoesNotStandForTheModule(t *testing.T) {
	c, _, _ := checkout(t)
	if err := c.Build(t.Context(), "coredns/one"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.Program("coredns", "two")); err == nil {
		t.Error("a program was built that nobody asked for")
	}
	if err := c.Build(t.Context(), "coredns"); err != nil {
		t.Fatal(err)
	}
	if two := prints(t, c, "two"); two != "1" {
		t.Errorf("it prints %q", two)
	}
}

func TestTwoProgramsOfOneNameAreRefused(t *testing.T) {
	c, module, _ := checkout(t)
	put(t, filepath.Join(module, "other", "one", "main.go"), "package main\n\nfunc main() {}\n")
	put(t, filepath.Join(module, "go.mod"), "module small.test\n\ngo 1.26\n\ntool (\n\tsmall.test/one\n\tsmall.test/other/one\n)\n")
	err := c.Build(t.Context(), "coredns")
	if err == nil || !strings.Contains(err.Error(), "are called one") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsNotThereIsSaid(t *testing.T) {
	c, _, _ := checkout(t)
	for name, want := range map[string]string{
		"nothing": "there is no such module", "coredns/nothing": "it has no such program",
	} {
		if err := c.Build(t.Context(), name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}

func TestEveryModuleExists(t *testing.T) {
	root, err := build.Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range build.Names() {
		content, err := os.ReadFile(filepath.Join(root, "tests", "tools", name, "go.mod"))
		if err != nil {
			t.Error(err)
		}
		if !strings.Contains(string(content), "\ntool") {
			t.Errorf("the module %s names no programs", name)
		}
	}
}
