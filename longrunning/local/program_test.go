package local

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheLogIsContinuedAndForTheOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"first\n", "second\n"} {
		log, err := openLog(map[string]string{"IRCNOW_DIR": dir})
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
	if text, err := os.ReadFile(logPath(dir)); err != nil || string(text) != "first\nsecond\n" {
		t.Errorf("the log holds %q, %v", text, err)
	}
	if info, err := os.Stat(logPath(dir)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the log: %v, %v", info.Mode(), err)
	}
}

// sizes are the log's and the old one's; -1 where there is none.
func sizes(dir string) (now, before int64) {
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			return -1
		}
		return info.Size()
	}
	return size(logPath(dir)), size(logPath(dir) + ".1")
}

func TestALogThatGrowsIsPutAsideWhileItIsWritten(t *testing.T) {
	dir := t.TempDir()
	log, err := openLog(map[string]string{"IRCNOW_DIR": dir})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	record := []byte(strings.Repeat("x", 1<<20-1) + "\n")
	for n := range 4 * maxLog >> 20 {
		if _, err := log.Write(record); err != nil {
			t.Fatal(err)
		}
		if now, before := sizes(dir); now > maxLog || before > maxLog {
			t.Fatalf("after %d MB the logs have %d and %d bytes", n+1, now, before)
		}
	}
	if now, before := sizes(dir); now != maxLog || before != maxLog {
		t.Errorf("the logs have %d and %d bytes", now, before)
	}
}

func TestALogThatCannotBePutAsideStaysBounded(t *testing.T) {
	dir := t.TempDir()
	log, err := openLog(map[string]string{"IRCNOW_DIR": dir})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if err := os.MkdirAll(filepath.Join(logPath(dir)+".1", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	record := []byte(strings.Repeat("x", 1<<20))
	for range 3 * maxLog >> 20 {
		if _, err := log.Write(record); err != nil {
			t.Fatal(err)
		}
	}
	if now, _ := sizes(dir); now > maxLog {
		t.Errorf("the log has %d bytes", now)
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
