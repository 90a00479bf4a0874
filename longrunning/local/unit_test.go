package local

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// units are the systemd units that docs/running.md prints: the system's and a user's.
func units(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/running.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, block := range regexp.MustCompile("(?s)```ini\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		found = append(found, block[1])
	}
	if len(found) != 2 {
		t.Fatalf("docs/running.md prints %d units", len(found))
	}
	return found
}

func TestTheUnitsOfTheDocsBringItBackAndLetItStop(t *testing.T) {
	for _, unit := range units(t) {
		for _, line := range []string{"Restart=always", "StartLimitIntervalSec=0", "KillMode=mixed"} {
			if !strings.Contains(unit, "\n"+line+"\n") {
				t.Errorf("%s is missing in\n%s", line, unit)
			}
		}
		var seconds int
		_, after, _ := strings.Cut(unit, "TimeoutStopSec=")
		if _, err := fmt.Sscan(after, &seconds); err != nil || time.Duration(seconds)*time.Second <= stopPatience {
			t.Errorf("systemd kills it before it has stopped in order, which takes up to %s", stopPatience)
		}
	}
}

func TestSystemdUnderstandsTheUnitsOfTheDocs(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("this machine has no systemd; the units are verified where there is one")
		return
	}
	home := t.TempDir()
	program := filepath.Join(home, "irc.now", "bin", "irc.now")
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for n, unit := range units(t) {
		path := filepath.Join(t.TempDir(), "irc-now.service")
		unit = strings.NewReplacer("/home/YOU", home, "%h", home, "User=YOU", "User=daemon").Replace(unit)
		if err := os.WriteFile(path, []byte(unit), 0o600); err != nil {
			t.Fatal(err)
		}
		command := exec.CommandContext(t.Context(), analyze, "verify", []string{"--system", "--user"}[n], path)
		command.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir())
		out, err := command.CombinedOutput()
		if err != nil || strings.Contains(string(out), "irc-now.service") {
			t.Errorf("systemd says %v:\n%s", err, out)
		}
	}
}
