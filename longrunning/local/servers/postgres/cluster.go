package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"irc.now/longrunning/local/servers/process"
	"irc.now/shared/fault"
)

// Bytes that have to be free.
const (
	roomNeeded = 200 << 20 // a new cluster takes 40 MB, its first write-ahead log as much again
	roomToRun  = 16 << 20  // one more piece of write-ahead log: a server that cannot add it stops with a crash
)

// cluster is a data directory and what it takes to serve it.
type cluster struct {
	config   Config
	programs programs
	password string        // "" where the file that held it is gone
	user     *process.User // nil: ourselves
	data     *os.File      // the data directory, kept open for a server that may not walk to it
}

func dataDir(dir string) string { return filepath.Join(dir, "data") }

// openCluster opens the data directory under config.Dir and makes it at the first time.
func openCluster(ctx context.Context, config Config, programs programs) (*cluster, error) {
	c := &cluster{config: config, programs: programs}
	if err := c.chooseUser(); err != nil {
		return nil, err
	}
	password, err := loadPassword(config.Dir)
	if err != nil {
		return nil, onDisk(config.Dir, err)
	}
	c.password = password
	_, err = os.Stat(dataDir(config.Dir))
	if errors.Is(err, fs.ErrNotExist) {
		err = c.create(ctx)
	} else if err == nil {
		err = checkRoom(config.Dir, roomToRun)
	}
	if err != nil {
		return nil, onDisk(config.Dir, err)
	}
	if err := c.own(dataDir(config.Dir)); err != nil {
		return nil, onDisk(config.Dir, err)
	}
	c.data, err = os.Open(dataDir(config.Dir))
	return c, onDisk(config.Dir, err)
}

// chooseUser finds whom the server runs as: PostgreSQL refuses to run as root. A data directory that belongs to
// somebody else already stays theirs.
func (c *cluster) chooseUser() error {
	if !process.IsRoot() {
		return nil
	}
	info, err := os.Stat(dataDir(c.config.Dir))
	if err == nil {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 {
			c.user = &process.User{UID: stat.Uid, GID: stat.Gid}
			return nil
		}
	}
	c.user, err = process.LookupUser(superuser, "_postgres", "nobody")
	if err != nil {
		return fault.Wrap(err, fault.Unavailable,
			"PostgreSQL does not run as root, and there is no other user for it. Add one: useradd --system postgres")
	}
	return nil
}

// own gives everything under path to the user whom the server runs as.
func (c *cluster) own(path string) error {
	if c.user == nil {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid == c.user.UID {
		return nil
	}
	root, err := os.OpenRoot(path) // a link inside leads nowhere else
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return fs.WalkDir(root.FS(), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return root.Lchown(name, int(c.user.UID), int(c.user.GID))
	})
}

// create makes the data directory under another name first, so that a half-made one is never taken for whole.
func (c *cluster) create(ctx context.Context) error {
	if err := checkRoom(c.config.Dir, roomNeeded); err != nil {
		return err
	}
	if c.password == "" {
		c.password = rand.Text()
		if err := keepPassword(c.config.Dir, c.password); err != nil {
			return err
		}
	}
	c.config.Progress("Making a new PostgreSQL data directory.")
	fresh := dataDir(c.config.Dir) + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return err
	}
	if err := c.initialise(ctx, fresh); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	return os.Rename(fresh, dataDir(c.config.Dir))
}

func (c *cluster) initialise(ctx context.Context, fresh string) (err error) {
	if err := c.own(fresh); err != nil {
		return err
	}
	if c.data, err = os.Open(fresh); err != nil {
		return err
	}
	defer c.data.Close()
	// initdb takes the password from a file only, which its user has to be able to read.
	file, err := c.passwordFile()
	if err != nil {
		return err
	}
	defer file.Close()
	args := []string{
		"-D", c.path(), "--username", superuser, "--encoding", "UTF8", "--locale", "C",
		"--auth", "scram-sha-256", "--pwfile", descriptor(file, 4), "--no-instructions",
	}
	if c.config.Fast {
		args = append(args, "--no-sync")
	}
	spec := c.spec("initdb", args...)
	spec.Files = append(spec.Files, file)
	return process.Run(ctx, spec)
}

func (c *cluster) passwordFile() (*os.File, error) {
	path := filepath.Join(c.config.Dir, "password.initdb")
	if err := os.WriteFile(path, []byte(c.password+"\n"), 0o600); err != nil {
		return nil, err
	}
	defer os.Remove(path)
	if c.user != nil {
		if err := os.Chown(path, int(c.user.UID), int(c.user.GID)); err != nil {
			return nil, err
		}
	}
	return os.Open(path)
}

// spec runs one of the cluster's programs as the cluster's user, with the data directory as descriptor 3.
func (c *cluster) spec(program string, args ...string) process.Spec {
	return process.Spec{
		Name: program, Path: c.programs.path(program), Args: args,
		User: c.user, Files: []*os.File{c.data}, Log: c.config.Log,
	}
}

// path names the data directory for the server. A server of another user cannot walk through our directories (a
// checkout under /root, say), but it may use one that it owns and was handed as an open descriptor.
func (c *cluster) path() string { return descriptor(c.data, 3) }

// descriptor names an open file for a child that has it as descriptor number.
func descriptor(file *os.File, number int) string {
	if runtime.GOOS != "linux" {
		return file.Name()
	}
	return fmt.Sprintf("/proc/self/fd/%d", number)
}

func (c *cluster) close() { _ = c.data.Close() }

func checkRoom(dir string, needed uint64) error {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return fmt.Errorf("look at the disk: %w", err)
	}
	free := stat.Bavail * uint64(stat.Bsize) // a block size is never negative
	if free < needed {
		return fmt.Errorf("%d MB free, %d MB needed: %w", free>>20, needed>>20, syscall.ENOSPC)
	}
	return nil
}
