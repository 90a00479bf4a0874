package postgres

import (
	"bytes"
	"fmt"
	"os"
)

// servesFrom reports whether the process is a server on dir: a server's working directory is its data directory.
func servesFrom(pid int, dir string) bool {
	cwd, err := os.Stat(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return false
	}
	data, err := os.Stat(dir)
	return err == nil && os.SameFile(cwd, data)
}

// zombie reports whether the process has ended and only waits to be noticed by its parent.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && bytes.Contains(stat, []byte(") Z "))
}
