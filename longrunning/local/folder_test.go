package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"irc.now/longrunning/local/servers/process"
	"irc.now/shared/fault"
)

func TestSecretsAreMadeOnceAndForTheOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	first, err := loadSecrets(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := loadSecrets(dir)
	if err != nil || again.values.DemoPassword != first.values.DemoPassword || again.identityKey() != first.identityKey() {
		t.Fatalf("other secrets at the second start: %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, "secrets.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info.Mode(), err)
	}
	if printed := fmt.Sprintf("%v %+v %s", first, first, first); strings.Contains(printed, first.values.DemoPassword) {
		t.Fatal("printing secrets shows them")
	}
}

func TestSecretsOfAnOlderVersionAreCompleted(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secrets.json"), []byte(`{"demo_password": "kept"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := loadSecrets(dir)
	if err != nil || got.values.DemoPassword != "kept" || got.bouncerAdmin() == "" {
		t.Fatalf("%v, demo %q", err, got.values.DemoPassword)
	}
	again, err := loadSecrets(dir)
	if err != nil || again.bouncerAdmin() != got.bouncerAdmin() {
		t.Fatalf("what was added was not kept: %v", err)
	}
}

func TestBrokenSecretsAreNotReplacedSilently(t *testing.T) {
	for _, text := range []string{"", "{", `{"identity_key": "c2hvcnQ="}`} {
		dir := t.TempDir()
		path := filepath.Join(dir, "secrets.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadSecrets(dir); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Sentence(err), path) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAFolderServesOnePlatformAtATime(t *testing.T) {
	dir := t.TempDir()
	lock, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openFolder(dir); !fault.Is(err, fault.Conflict) {
		t.Fatalf("opened twice: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
}

// noRoom is what PostgreSQL printed on a full disk.
var noRoom = []string{
	`FATAL:  could not write lock file "postmaster.pid": No space left on device`,
	"LOG:  database system is shut down",
}

func TestExplainSaysWhatToDo(t *testing.T) {
	for want, err := range map[string]error{
		"no room left":         fmt.Errorf("start: %w", &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}),
		"cannot be written to": fmt.Errorf("start: %w", &os.PathError{Op: "mkdir", Path: "x", Err: syscall.EROFS}),
		"permissions":          &os.PathError{Op: "mkdir", Path: "x", Err: syscall.EACCES},
		"use another door":     errors.Join(fault.New(fault.Conflict, "use another door")),
		"could not start: odd": errors.New("odd"),
		"no room left on":      fmt.Errorf("start: %w", &process.ExitError{Name: "postgres", Output: noRoom, Cause: errors.New("exit status 1")}),
		"no room left on the":  fmt.Errorf("migrate: %w", &pgconn.PgError{Code: sqlDiskFull}),
		"could not start: ergo ended. It said: FATAL: no": fmt.Errorf("start: %w", &process.ExitError{
			Name: "ergo", Output: append([]string{"FATAL: no " + strings.Repeat("word ", 500)}, "a line", "another"), Cause: errors.New("exit status 1"),
		}),
	} {
		if got := Explain(err, "/data"); !strings.Contains(got, want) || strings.Contains(got, "\n") || len(got) > 600 {
			t.Errorf("%v: %q", err, got)
		}
	}
}
