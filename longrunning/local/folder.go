package local

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"irc.now/shared/fault"
)

// openFolder makes the data folder and holds it: two platforms in one folder would spoil each other's data. The lock
// goes with the process, however it ends.
func openFolder(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the folder is the owner's choice
	if err != nil {
		return nil, fmt.Errorf("open the data folder: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, fault.Wrap(err, fault.Conflict,
			"irc.now runs already with the data in %s. Stop it first, or choose another folder with IRCNOW_DIR.", dir)
	}
	return lock, nil
}
