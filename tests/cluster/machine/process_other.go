//go:build !linux

package machine

import "syscall"

// detached is never asked elsewhere: Check refuses first.
func detached(bool) *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
