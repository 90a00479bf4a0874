package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"irc.now/longrunning/local/servers/process"
	"irc.now/shared/fault"
)

func passwordPath(dir string) string { return filepath.Join(dir, "password") }

// loadPassword reads the superuser's password, "" where none is kept.
func loadPassword(dir string) (string, error) {
	stored, err := os.ReadFile(passwordPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(stored)), err
}

// keepPassword puts a whole file in its place, so that one that is there is never half a password.
func keepPassword(dir, password string) error {
	fresh := passwordPath(dir) + ".new"
	if err := os.WriteFile(fresh, []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, passwordPath(dir))
}

// renewPassword gives the superuser a new password where the file with the old one is gone. Whoever owns the data
// directory may do that, with a server of one user that asks for no password; none may run meanwhile.
func (c *cluster) renewPassword(ctx context.Context) error {
	if c.password != "" {
		return nil
	}
	c.config.Progress("The password of the database is missing; giving it a new one.")
	password := rand.Text() // letters and digits
	spec := c.spec("postgres", "--single", "-D", c.path(), "-c", "exit_on_error=on", "-c", "password_encryption=scram-sha-256",
		"-c", "log_min_error_statement=panic", superuser)
	spec.Stdin = "ALTER ROLE " + superuser + " PASSWORD '" + password + "'\n"
	if err := process.Run(ctx, spec); err != nil {
		return fmt.Errorf("give the database a new password: %w", err)
	}
	if err := keepPassword(c.config.Dir, password); err != nil {
		return onDisk(c.config.Dir, err)
	}
	c.password = password
	return nil
}

// signInRefused is the class of PostgreSQL's answers to a wrong password or an unknown role.
const signInRefused = "28"

// refusal gives the server's no to our password a sentence: it stays a no, however often it is asked.
func (c *cluster) refusal(err error) error {
	answer, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || !strings.HasPrefix(answer.Code, signInRefused) {
		return err
	}
	return fault.Wrap(err, fault.Conflict,
		"PostgreSQL does not take the password in %s (%s). Put the right file back, or remove this one: the next start sets a new password, and the data stays.",
		passwordPath(c.config.Dir), answer.Message)
}
