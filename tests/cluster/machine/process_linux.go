package machine

import "syscall"

// detached puts a process into a session of its own, so that it survives the caller and its terminal, and if asked
// into a mount namespace of its own.
func detached(ownMounts bool) *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setsid: true}
	if ownMounts {
		attributes.Unshareflags = syscall.CLONE_NEWNS
	}
	return attributes
}
