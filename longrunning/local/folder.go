package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

// Explain gives the one sentence that says what to do about an error of [Start].
func Explain(err error, dir string) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Sprintf("There is no room left on the disk that holds %s. Free about 500 MB, or choose another folder with IRCNOW_DIR, and try again.", dir)
	case fault.KindOf(err) != fault.Internal:
		return fault.Sentence(err)
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Sprintf("The data folder %s cannot be written to. Change its permissions, or choose another folder with IRCNOW_DIR, and try again. (%v)", dir, err)
	default:
		return "irc.now could not start: " + strings.ReplaceAll(err.Error(), "\n", "; ")
	}
}
