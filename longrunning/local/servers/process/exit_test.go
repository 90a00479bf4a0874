package process_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"irc.now/longrunning/local/servers/process"
	"irc.now/shared/fault"
)

func TestWhatAChildSaysOfTheDiskCounts(t *testing.T) {
	full := process.Run(t.Context(), shell("echo 'FATAL: could not write: No space left on device'; echo bye; exit 1"))
	if !errors.Is(full, syscall.ENOSPC) || errors.Is(full, syscall.EROFS) {
		t.Errorf("a full disk is %v", full)
	}
	denied := process.Run(t.Context(), shell("echo 'permission denied'; exit 1"))
	if errors.Is(denied, syscall.ENOSPC) || errors.Is(denied, syscall.EACCES) {
		t.Errorf("another program's permissions are taken for ours: %v", denied)
	}
}

func TestTheLineThatSaysWhyIsFound(t *testing.T) {
	for want, output := range map[string][]string{
		"FATAL: no room":                   {"LOG: an error is near", "FATAL: no room", "LOG: bye"},
		"last":                             {"first", "last"},
		"exit status 1":                    nil,
		"cannot " + strings.Repeat("x", 3): {"cannot " + strings.Repeat("x", 9999)},
	} {
		exit := &process.ExitError{Name: "a", Output: output, Cause: errors.New("exit status 1")}
		if got := exit.Words(); !strings.HasPrefix(got, want) || len(got) > 400 {
			t.Errorf("%q: %q", output, got)
		}
	}
}

func TestAProbeThatCannotSucceedIsNotRepeated(t *testing.T) {
	p := start(t, shell("sleep 600"))
	asked := 0
	err := p.WaitReady(t.Context(), func(context.Context) error {
		asked++
		return fault.New(fault.Conflict, "no, and it stays a no")
	})
	if !fault.Is(err, fault.Conflict) || asked != 1 {
		t.Errorf("asked %d times: %v", asked, err)
	}
}
