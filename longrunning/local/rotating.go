package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// maxLog is how large the log grows, in bytes. Then a new one begins, and the one before is kept beside it: strangers
// write into it with every try to sign in.
const maxLog = 8 << 20

// rotating is a log file of bounded size, whoever writes and for how long. It is safe for concurrent use.
type rotating struct {
	path string

	mu   sync.Mutex
	file *os.File
	size int64
}

// openRotating opens the log at path, or makes it, with its folder.
func openRotating(path string) (*rotating, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	r := &rotating{path: path}
	if err := r.open(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *rotating) open() error {
	file, err := os.OpenFile(r.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("look at the log: %w", err), file.Close())
	}
	r.file, r.size = file, info.Size()
	return nil
}

// Write appends one record. One for which there is no room any more begins a new log.
func (r *rotating) Write(record []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.size > 0 && r.size+int64(len(record)) > maxLog {
		if err := r.turn(); err != nil {
			return 0, err
		}
	}
	n, err := r.file.Write(record)
	r.size += int64(n)
	return n, err
}

// turn puts the log aside and begins anew. Where that cannot be done the log is emptied: it must not fill the disk that
// the database is on.
func (r *rotating) turn() error {
	before := r.file
	err := os.Rename(r.path, r.path+".1")
	if err == nil {
		err = r.open()
	}
	if err == nil {
		return before.Close()
	}
	if truncated := before.Truncate(0); truncated != nil {
		return errors.Join(err, truncated)
	}
	r.size = 0
	return nil
}

// Close closes the file.
func (r *rotating) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.file.Close()
}
