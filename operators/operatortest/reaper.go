package operatortest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// reaper waits for the end of its input, then kills whatever has the folder it was given in its command line, as etcd
// and the API server have, and removes the folder, again and again until it is gone: what was killed takes its time to
// end. Where there is no /proc a killed test leaves its servers behind.
const reaper = `cat >/dev/null; n=0
while [ -d "$1" ] && [ $n -lt 100 ]; do
	n=$((n+1))
	for process in /proc/[0-9]*; do
		[ "$process" = /proc/$$ ] || { grep -qF -- "$1" "$process/cmdline" && kill -9 "${process#/proc/}"; }
	done
	rm -rf -- "$1"; sleep 0.1
done 2>/dev/null`

// inputs keeps the reapers' inputs open as long as we live: the garbage collector would close them.
var inputs []io.Closer

// stopAfterUs makes sure that the servers that will work in dir end with this process even if it is killed or times out:
// the kernel closes our pipes in every case, which another process notices. A server that was stopped properly has
// removed its folder, and then nothing is killed.
func stopAfterUs(dir string) error {
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", reaper, "reaper", dir) // it has to outlive us
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}                                    // Ctrl-C is not for it
	input, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("clean up after tests: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("clean up after tests: %w", err)
	}
	inputs = append(inputs, input)
	return nil
}

// kill ends the servers working in dir at once.
func kill(dir string) error {
	pids, err := working(dir)
	if err != nil {
		return err
	}
	for _, text := range pids {
		pid, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("end the servers: %w", err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("end the servers: %w", err)
		}
	}
	return nil
}

// working are the ids of processes that have dir in their command line. Where there is no /proc it finds none, and a
// killed test leaves its servers behind.
func working(dir string) ([]string, error) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, fmt.Errorf("find the servers: %w", err)
	}
	var pids []string
	for _, file := range files {
		pid := filepath.Base(filepath.Dir(file))
		line, err := os.ReadFile(file)
		if err != nil || pid == strconv.Itoa(os.Getpid()) || !bytes.Contains(line, []byte(dir)) {
			continue // it has ended meanwhile, or is none of ours
		}
		pids = append(pids, pid)
	}
	return pids, nil
}
