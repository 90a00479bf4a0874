// Command e2e is `make e2e`: it runs what talks to the Kubernetes API against a real API server, a thousand bouncers
// among it, brings the test cluster up, tells the user's story on it, and prints all figures together at the end, with the
// minutes that it took and the most memory that the machine used.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"irc.now/tests/cluster/build"
	"irc.now/tests/cluster/machine"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
}

// step is a part of it, run as a command of its own.
type step struct {
	name    string
	command []string
}

func steps(kubeconfig string) []step {
	return []step{
		{"reconcilers", []string{"make", "--no-print-directory", "reconcilers"}},
		{"a thousand bouncers", []string{
			"go", "run", "./longrunning/local/storetest/cmd", "--",
			"go", "test", "-run", "^$", "-bench", "^BenchmarkBouncers$", "-benchtime", "1x", "-timeout", "60m", "./operators/soju",
		}},
		{"deploying to a registry", []string{
			"go", "test", "-tags", "cluster lambda.norpc", "-count=1", "-timeout", "60m", "-run", "MakeDeploy|BothProcessors", "./tests/manifests",
		}},
		{"cluster", []string{"make", "--no-print-directory", "cluster-up"}},
		{"story", []string{
			"env", "IRC_NOW_CLUSTER=" + kubeconfig,
			"go", "test", "-tags", "cluster lambda.norpc", "-count=1", "-p", "1", "-timeout", "60m", "-v", "./tests/cluster/addons", "./tests/cluster/story",
		}},
	}
}

func run(out io.Writer) error {
	if err := machine.Check(); err != nil {
		return err
	}
	root, err := build.Root()
	if err != nil {
		return err
	}
	cache := filepath.Join(root, ".cache", "cluster")
	built := "warm"
	if _, err := os.Stat(filepath.Join(cache, "bin", "kubernetes", "kube-apiserver")); err != nil {
		built = "cold"
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	memory := watchMemory()
	began := time.Now()
	var said strings.Builder
	var took []string
	for _, s := range steps(filepath.Join(cache, "run", "admin.kubeconfig")) {
		at := time.Now()
		fmt.Fprintf(out, "==> %s\n", s.name)
		if err := s.run(root, io.MultiWriter(out, &said), signals); err != nil {
			return fmt.Errorf("%s, after %s: %w", s.name, minutes(began), err)
		}
		took = append(took, s.name+" "+minutes(at))
	}
	fmt.Fprintln(out, "\nFigures of make e2e:")
	for _, figure := range figures(said.String()) {
		fmt.Fprintln(out, "  "+figure)
	}
	fmt.Fprintf(out, "  make e2e, %s: %s (%s)\n", built, minutes(began), strings.Join(took, ", "))
	fmt.Fprintf(out, "  peak memory of the machine, all processes: %.1f GB\n", float64(memory.stop())/(1<<30))
	return nil
}

func minutes(since time.Time) string { return fmt.Sprintf("%.1f minutes", time.Since(since).Minutes()) }

// run waits for the end of the command even when it is interrupted: tests put right what they have broken first.
func (s step) run(root string, out io.Writer, signals <-chan os.Signal) error {
	cmd := exec.CommandContext(context.Background(), s.command[0], s.command[1:]...) // it ends by the signals passed on to it
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that each of its processes gets the signal once
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case got := <-signals:
		if number, is := got.(syscall.Signal); is {
			_ = syscall.Kill(-cmd.Process.Pid, number)
		}
		return errors.Join(fmt.Errorf("ended by %s", got), <-ended)
	}
}
