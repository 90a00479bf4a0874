package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Down ends the cluster and removes all it had: processes, containers, mounts, bridges, rules, kernel settings, data.
// Programs and images stay in Dir, for the next time. It may be called when nothing runs.
func Down(ctx context.Context, c Config) error {
	if err := Check(); err != nil {
		return err
	}
	m, err := Open(c)
	if err != nil {
		return err
	}
	owner, err := os.ReadFile(filepath.Join(volatile, "owner"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	claimed := err == nil
	if claimed && string(owner) != m.dir {
		return fmt.Errorf("the cluster on this machine is that of %s: run `make cluster-down` there", owner)
	}
	for _, s := range m.ending(claimed) {
		if err := m.step(ctx, "ending "+s.name, s.do); err != nil {
			return fmt.Errorf("take the cluster down: %s: %w", s.name, err)
		}
	}
	return nil
}

// task is one step of ending a cluster.
type task struct {
	name string
	do   func(context.Context) error
}

// ending is how a cluster ends. On a machine that no cluster of ours has claimed, control groups of pods and rules of
// kube-proxy are another Kubernetes', and stay.
func (m *Machine) ending(claimed bool) []task {
	tasks := []task{{"Kubernetes", m.stopAllBut("containerd")}}
	if claimed {
		tasks = append(tasks, task{"containers", m.endContainers})
	}
	tasks = append(tasks, task{"containerd", m.stopAllBut()}, task{"mounts", m.unmount})
	if claimed {
		tasks = append(tasks, task{"control groups", removeGroups}, task{"network", m.disconnect})
	}
	return append(tasks, task{"data", m.remove})
}

// stopAllBut stops components, last started first.
func (m *Machine) stopAllBut(keep ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		all := m.components()
		slices.Reverse(all)
		for _, c := range all {
			if slices.Contains(keep, c.name) {
				continue
			}
			c.grace = min(c.grace, time.Second)
			if err := m.stop(ctx, c); err != nil {
				return err
			}
		}
		return nil
	}
}

// endContainers kills what runs in pods, and then the shims, which would wait for containerd for ever.
func (m *Machine) endContainers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return wait(ctx, func(context.Context) error {
		pids, err := podProcesses()
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			if pids, err = commands("-address\x00" + socket); err != nil || len(pids) == 0 {
				return err
			}
		}
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		}
		return fmt.Errorf("%d processes of containers are still there", len(pids))
	})
}

// groups are the control groups of pods, in every hierarchy, deepest first.
func groups() ([]string, error) {
	tops, err := filepath.Glob("/sys/fs/cgroup/*/kubepods")
	if err != nil {
		return nil, err
	}
	tops = append(tops, "/sys/fs/cgroup/kubepods")
	var found []string
	for _, top := range tops {
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil && d.IsDir() {
				found = append(found, path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read control groups: %w", err)
		}
	}
	slices.SortFunc(found, func(a, b string) int { return strings.Count(b, "/") - strings.Count(a, "/") })
	return found, nil
}

func podProcesses() ([]int, error) {
	all, err := groups()
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, group := range all {
		content, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for line := range strings.FieldsSeq(string(content)) {
			if pid, err := strconv.Atoi(line); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids), nil
}

// commands are the processes whose command line, with NULs between the words, holds text.
func commands(text string) ([]int, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, path := range paths {
		line, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(line, []byte(text)) {
			continue // it has ended meanwhile, or is none of ours
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

func removeGroups(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return wait(ctx, func(context.Context) error {
		all, err := groups()
		if err != nil {
			return err
		}
		for _, group := range all { // the kernel needs a moment until a group of killed processes is empty
			if err := os.Remove(group); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	})
}

// unmount unmounts what is mounted below our folders, the last mounted first. What a shim that ends unmounts meanwhile is
// done.
func (m *Machine) unmount(ctx context.Context) error {
	points, err := m.mounted()
	if err != nil {
		return err
	}
	slices.Reverse(points)
	for _, point := range points {
		_, failed := run(ctx, "umount", "--lazy", point)
		if failed == nil {
			continue
		}
		still, err := m.mounted()
		if err != nil || slices.Contains(still, point) {
			return errors.Join(failed, err)
		}
	}
	return nil
}

// mounted are the mount points below our folders, in the order in which they were mounted.
func (m *Machine) mounted() ([]string, error) {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var points []string
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		point := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`).Replace(fields[4])
		if strings.HasPrefix(point, m.dir+"/") || strings.HasPrefix(point, volatile+"/") {
			points = append(points, point)
		}
	}
	return points, nil
}

func (m *Machine) remove(context.Context) error {
	if err := m.removeTraces(); err != nil {
		return err
	}
	for _, dir := range []string{m.dir, volatile} {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove the cluster's data: %w", err)
		}
	}
	return nil
}

// removeTraces removes what the kubelet and the CNI plugins leave at places that no setting moves. Folders of theirs go
// only if they are empty: another cluster may have used them.
func (m *Machine) removeTraces() error {
	logs, err := filepath.Glob("/var/log/containers/*.log")
	if err != nil {
		return err
	}
	for _, log := range logs {
		target, err := os.Readlink(log)
		if err != nil || !strings.HasPrefix(target, m.dir+"/") {
			continue
		}
		if err := os.Remove(log); err != nil {
			return fmt.Errorf("remove the link to a container's log: %w", err)
		}
	}
	leases, err := filepath.Glob("/var/lib/cni/results/" + network + "-*")
	if err != nil {
		return err
	}
	for _, lease := range leases {
		if err := os.Remove(lease); err != nil {
			return fmt.Errorf("remove a pod's lease: %w", err)
		}
	}
	for _, empty := range []string{
		"/var/log/containers", "/var/lib/cni/results", "/var/lib/cni",
		"/var/lib/kubelet/device-plugins/kubelet.sock", "/var/lib/kubelet/device-plugins", "/var/lib/kubelet",
	} {
		_ = os.Remove(empty)
	}
	return nil
}
