//go:build !linux

package postgres

import (
	"os/exec"
	"strconv"
	"strings"
)

// servesFrom reports whether the process is a server on dir, which its arguments name.
func servesFrom(pid int, dir string) bool {
	command, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(command), "-D "+dir+" ")
}

func zombie(int) bool { return false }
