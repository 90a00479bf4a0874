package process

import (
	"errors"
	"slices"
	"strings"
	"syscall"
)

// ExitError says how a child ended and what it said last.
type ExitError struct {
	Name   string
	Output []string // its last lines
	Cause  error
}

// Error is for the log: the output is the foreign program's own words.
func (e *ExitError) Error() string {
	text := e.Name + " ended: " + e.Cause.Error()
	if len(e.Output) > 0 {
		text += ": " + strings.Join(e.Output, " | ")
	}
	return text
}

// Unwrap gives the *exec.ExitError.
func (e *ExitError) Unwrap() error { return e.Cause }

// ofDisk are what the system says of a disk. A child has no other way to hand them on than to print the system's words.
var ofDisk = []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS}

// Is makes an error of the disk that the child met count as ours: errors.Is(err, syscall.ENOSPC).
func (e *ExitError) Is(target error) bool {
	errno, ok := errors.AsType[syscall.Errno](target)
	if !ok || !slices.Contains(ofDisk, errno) {
		return false
	}
	return slices.ContainsFunc(e.Output, func(line string) bool {
		return strings.Contains(strings.ToLower(line), strings.ToLower(errno.Error()))
	})
}

// maxWords is how much of a child's line a person is shown.
const maxWords = 300

// complaints are how programs mark the line that says why they end; the first that is found counts.
var complaints = []string{"PANIC", "FATAL", "ERROR", "panic:", "fatal", "error", "failed", "cannot"}

// Words is the one line of the child's that says best why it ended, or how it ended where it said nothing.
func (e *ExitError) Words() string {
	if len(e.Output) == 0 {
		return e.Cause.Error()
	}
	words := e.Output[len(e.Output)-1]
	for _, complaint := range complaints {
		if i := slices.IndexFunc(e.Output, func(line string) bool { return strings.Contains(line, complaint) }); i >= 0 {
			words = e.Output[i]
			break
		}
	}
	if len(words) > maxWords {
		words = strings.ToValidUTF8(words[:maxWords], "") + "…"
	}
	return words
}
