package postgres

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"irc.now/shared/fault"
)

// lockDir makes dir ours until the file is closed, or we die.
func lockDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, onDisk(dir, err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, onDisk(dir, err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(fault.Wrap(err, fault.Conflict,
			"irc.now already runs from this folder (it holds %s). Stop it first, or use another folder.", dir), file.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), file.Close())
	}
	return file, nil
}

// onDisk gives the usual troubles of a directory a sentence that says what to do.
func onDisk(dir string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return fault.Wrap(err, fault.Unavailable, "The disk that holds %s is full. Make some room and try again.", dir)
	case errors.Is(err, os.ErrPermission):
		return fault.Wrap(err, fault.Forbidden, "%s belongs to another user. Run as that user, or remove it to start afresh.", dir)
	}
	return fmt.Errorf("prepare %s: %w", dir, err)
}
