package architecture_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// migrating is what only programs link that change schemas: a function checks its database and waits.
var migrating = []string{"github.com/pressly/goose/v3", "github.com/jackc/pgx/v5/stdlib", "irc.now/shared/store/migrate"}

func TestFunctionsCannotMigrate(t *testing.T) {
	programs, err := filepath.Glob(filepath.Join(root(t), "functions", "*", "cmd"))
	if err != nil || len(programs) == 0 {
		t.Fatalf("there are no functions (%v)", err)
	}
	command := exec.CommandContext(t.Context(), "go", append([]string{"list", "-deps"}, programs...)...)
	command.Dir = root(t)
	command.Stderr = t.Output()
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	linked := "\n" + string(out)
	if !strings.Contains(linked, "\nirc.now/shared/store\n") {
		t.Fatal("the functions' packages were not listed")
	}
	for _, forbidden := range migrating {
		if strings.Contains(linked, "\n"+forbidden+"\n") {
			t.Errorf("a function links %s", forbidden)
		}
	}
}
