package ergo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"irc.now/longrunning/local/servers/postgres"
	"irc.now/tests/eventually"
)

// stoppable is a PostgreSQL that the test may stop. It is at the same port when it comes back, with all that it had: the
// shared one of tests gives that up for speed.
type stoppable struct {
	*postgres.Server
	t      *testing.T
	config postgres.Config
}

func newStoppable(t *testing.T) *stoppable {
	t.Helper()
	s := &stoppable{t: t, config: postgres.Config{Dir: t.TempDir()}}
	s.start()
	s.config.Port = int(addressOf(t, s.Server).Port)
	return s
}

func (s *stoppable) start() {
	s.t.Helper()
	server, err := postgres.Start(s.t.Context(), s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = server.Stop(context.Background()) })
	s.Server = server
}

func (s *stoppable) stop() {
	s.t.Helper()
	if err := s.Stop(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// ask does something as the administrator, on a connection of its own, and gives the first value of the answer.
func (s *stoppable) ask(t *testing.T, sql string, args ...any) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var answer string
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&answer); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Fatal(err)
	}
	return answer
}

// certify gives the server a certificate.
func (s *stoppable) certify(t *testing.T) {
	t.Helper()
	data := filepath.Join(s.config.Dir, "data")
	info, err := os.Stat(data)
	if err != nil {
		t.Fatal(err)
	}
	cert, key := certificate(t, 1)
	for name, content := range map[string][]byte{"server.crt": cert, "server.key": key} {
		path := filepath.Join(data, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); ok {
			if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// setTLS makes the server take TLS or not, and waits until new connections find that.
func (s *stoppable) setTLS(t *testing.T, want string) {
	t.Helper()
	s.ask(t, `ALTER SYSTEM SET ssl = `+want)
	s.ask(t, `SELECT pg_reload_conf()::text`)
	eventually.Within(t, soon, func(context.Context) error {
		is := s.ask(t, `SHOW ssl`)
		return eventually.True(is == want, "ssl is %s, want %s", is, want)
	})
}
