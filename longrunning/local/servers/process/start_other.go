//go:build !linux

package process

import "syscall"

// Only Linux has a signal for the parent's death; elsewhere a child outlives us if we are killed outright.
func attributes(spec Spec) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: credential(spec.User)}
}
