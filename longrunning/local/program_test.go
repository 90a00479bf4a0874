package local

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestALogThatHasGrownIsPutAside(t *testing.T) {
	dir := t.TempDir()
	env := map[string]string{"IRCNOW_DIR": dir}
	write := func(text string) {
		t.Helper()
		log, err := openLog(env)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(log, text); err != nil {
			t.Fatal(err)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write("first\n")
	write("second\n")
	if text, err := os.ReadFile(logPath(dir)); err != nil || string(text) != "first\nsecond\n" {
		t.Errorf("the log holds %q, %v", text, err)
	}
	if info, err := os.Stat(logPath(dir)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the log: %v, %v", info.Mode(), err)
	}
	if err := os.Truncate(logPath(dir), maxLog+1); err != nil {
		t.Fatal(err)
	}
	write("third\n")
	if text, err := os.ReadFile(logPath(dir)); err != nil || string(text) != "third\n" {
		t.Errorf("the new log holds %q, %v", text, err)
	}
	if info, err := os.Stat(logPath(dir) + ".1"); err != nil || info.Size() != maxLog+1 {
		t.Errorf("the old log is gone: %v", err)
	}
}

func TestALogThatCannotBeIsSaidInASentence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(file, "below")
	const want = "irc.now could not start: make the data folder"
	if _, err := openLog(map[string]string{"IRCNOW_DIR": dir}); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	if _, err := openLog(map[string]string{"HTTP_PORT": "70000"}); err == nil || !strings.Contains(err.Error(), "HTTP_PORT must be a port") {
		t.Errorf("got %v", err)
	}
}
