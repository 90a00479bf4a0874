package process

import "syscall"

// credential drops our supplementary groups too: root's would reach the child otherwise.
func credential(u *User) *syscall.Credential {
	if u == nil {
		return nil
	}
	return &syscall.Credential{Uid: u.UID, Gid: u.GID}
}
