package postgres_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"irc.now/longrunning/local/servers/postgres"
	"irc.now/shared/fault"
)

func TestALostPasswordIsGivenAnew(t *testing.T) {
	config := postgres.Config{Dir: privateDir(t)}
	server := start(t, config)
	keep(t, server.URL("postgres"))
	stop(t, server)
	for _, lose := range []func(string) error{os.Remove, func(path string) error { return os.Truncate(path, 0) }} {
		if err := lose(filepath.Join(config.Dir, "password")); err != nil {
			t.Fatal(err)
		}
		server = start(t, config)
		if got := must(t, server.URL("postgres"), `SELECT answer FROM kept`); got != "yes" {
			t.Errorf("answer = %q", got)
		}
		stop(t, server)
	}
	if info, err := os.Stat(filepath.Join(config.Dir, "password")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

func TestAWrongPasswordIsSaidAtOnce(t *testing.T) {
	config := postgres.Config{Dir: privateDir(t), Fast: true}
	stop(t, start(t, config))
	path := filepath.Join(config.Dir, "password")
	if err := os.WriteFile(path, []byte("another\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err := postgres.Start(t.Context(), config)
	if !fault.Is(err, fault.Conflict) || !strings.Contains(fault.Sentence(err), path) {
		t.Errorf("err = %v", err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %s to say so", took)
	}
}

// smallDisk is a folder on a disk of 100 MB, where the system lets us have one.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if runtime.GOOS != "linux" || os.Getuid() != 0 || mount(dir) != nil {
		t.Logf("no small disk can be mounted here; what a full one does to PostgreSQL is tried where one can")
		return ""
	}
	t.Cleanup(func() { _ = unmount(dir) })
	return dir
}

func TestAFullDiskWithDataIsSaid(t *testing.T) {
	disk := smallDisk(t)
	if disk == "" {
		return
	}
	config := postgres.Config{Dir: filepath.Join(disk, "postgres"), Fast: true}
	other := postgres.Config{Dir: filepath.Join(t.TempDir(), "postgres"), Fast: true} // a new one needs more room than there is
	stop(t, start(t, other))
	if err := os.CopyFS(config.Dir, os.DirFS(other.Dir)); err != nil {
		t.Fatal(err)
	}
	fill(t, filepath.Join(disk, "ballast"))
	_, err := postgres.Start(t.Context(), config)
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(fault.Sentence(err), disk) {
		t.Errorf("err = %v", err)
	}
}

// fill takes all the room there is.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for block := make([]byte, 1<<20); err == nil; {
		_, err = file.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
