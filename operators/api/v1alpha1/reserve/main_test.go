package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"irc.now/shared/reserved"
)

const source = `// rule="!(['x-'].exists(p, self.metadata.name.startsWith(p)) || ['y'].exists(s, self.metadata.name.endsWith(s)))"
// rule="!(self.metadata.name in [])"
`

func TestTheListsAreWrittenIntoTheRules(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kind.go")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what is written is read again
		if err := rewrite(file); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`!(['` + strings.Join(reserved.Prefixes(), `', '`) + `'].exists(p,`, `|| ['` + strings.Join(reserved.Suffixes(), `', '`) + `'].exists(s,`,
		`in ['` + strings.Join(reserved.Names(), `', '`) + `'])`,
	} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("it lacks %s:\n%s", want, text)
		}
	}
}

func TestAFileWithoutTheRulesIsRefused(t *testing.T) {
	for _, text := range []string{"", source + source} {
		if _, err := written([]byte(text)); err == nil {
			t.Errorf("it is written although the rules are not there once:\n%s", text)
		}
	}
}
