package auth

import (
	"context"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"irc.now/shared/store"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations bring the table of sessions.
var Migrations = store.Set{Name: "auth", Files: files}

// Sessions is what a program does that signs people in.
var Sessions = store.Grant{Table: "sessions", May: "SELECT, INSERT, UPDATE (data, expiry), DELETE"}

// databaseDeadline bounds each session query, so that a database that hangs costs a page and not all of them.
const databaseDeadline = 5 * time.Second

// errNoContext answers scs's methods without a context; the manager never calls them on a CtxStore.
var errNoContext = errors.New("auth: the session store needs a context")

// errSessionEnded refuses to store a session that was ended while its request was under way.
var errSessionEnded = errors.New("auth: the session has ended meanwhile")

// loaded is the token under which a request found its session, in the request's context. A session that was found can
// only be stored over itself: whoever holds a request open must not bring back one that was signed out.
type loaded struct{ token string }

type loadedKey struct{}

func withLoaded(ctx context.Context) context.Context {
	return context.WithValue(ctx, loadedKey{}, &loaded{})
}

func loadedOf(ctx context.Context) *loaded {
	if l, ok := ctx.Value(loadedKey{}).(*loaded); ok {
		return l
	}
	return &loaded{}
}

// sessionStore keeps scs's sessions in the table that scs/pgxstore defines. pgxstore itself takes no context, so a
// request that has gone away, or a database that hangs, would keep its connection; and it sweeps from a goroutine,
// which a function that is scaled to zero does not have.
type sessionStore struct{ pool *pgxpool.Pool }

func (s *sessionStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, databaseDeadline)
	defer cancel()
	var data []byte
	err := s.pool.QueryRow(ctx, `SELECT data FROM sessions WHERE token = $1 AND expiry > now()`, token).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, store.Fault(fmt.Errorf("find session: %w", err))
	}
	loadedOf(ctx).token = token
	return data, true, nil
}

func (s *sessionStore) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	// A visitor who closes the page while it is answered must not lose what the answer depends on.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), databaseDeadline)
	defer cancel()
	if loadedOf(ctx).token == token {
		return s.replace(ctx, token, data, expiry)
	}
	_, err := s.pool.Exec(ctx, `INSERT INTO sessions (token, data, expiry) VALUES ($1, $2, $3)
		ON CONFLICT (token) DO UPDATE SET data = EXCLUDED.data, expiry = EXCLUDED.expiry`, token, data, expiry)
	if err != nil {
		return store.Fault(fmt.Errorf("store session: %w", err))
	}
	return nil
}

// replace stores a session that was there when the request began; errSessionEnded where it is no longer.
func (s *sessionStore) replace(ctx context.Context, token string, data []byte, expiry time.Time) error {
	tag, err := s.pool.Exec(ctx, `UPDATE sessions SET data = $2, expiry = $3 WHERE token = $1`, token, data, expiry)
	if err != nil {
		return store.Fault(fmt.Errorf("store session: %w", err))
	}
	if tag.RowsAffected() == 0 {
		return errSessionEnded
	}
	return nil
}

func (s *sessionStore) DeleteCtx(ctx context.Context, token string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), databaseDeadline)
	defer cancel()
	if _, err := s.pool.Exec(ctx, `DELETE FROM sessions WHERE token = $1`, token); err != nil {
		return store.Fault(fmt.Errorf("delete session: %w", err))
	}
	return nil
}

// deleteOf ends every session of a user. It reads the whole table, which is small and seldom read this way; a user's
// id is a UUID, so nothing but his own sessions holds it.
func (s *sessionStore) deleteOf(ctx context.Context, userID string) error {
	ctx, cancel := context.WithTimeout(ctx, databaseDeadline)
	defer cancel()
	_, err := s.pool.Exec(ctx, `DELETE FROM sessions WHERE position(convert_to($1::text, 'UTF8') IN data) > 0`, userID)
	if err != nil {
		return store.Fault(fmt.Errorf("delete sessions of user %s: %w", userID, err))
	}
	return nil
}

// sweep removes some sessions that have run out. Each sign-in removes more than it can add, so no timer is needed.
func (s *sessionStore) sweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, databaseDeadline)
	defer cancel()
	_, err := s.pool.Exec(ctx, `DELETE FROM sessions WHERE token IN
		(SELECT token FROM sessions WHERE expiry <= now() LIMIT 100 FOR UPDATE SKIP LOCKED)`)
	if err != nil {
		return store.Fault(fmt.Errorf("sweep sessions: %w", err))
	}
	return nil
}

func (s *sessionStore) Find(string) ([]byte, bool, error)      { return nil, false, errNoContext }
func (s *sessionStore) Commit(string, []byte, time.Time) error { return errNoContext }
func (s *sessionStore) Delete(string) error                    { return errNoContext }

// codec stores a session as its deadline and pairs of strings, each with its length in front. It is several times
// faster than gob, whose decoder learns its types anew for each session, and than JSON.
type codec struct{}

// codecVersion is a stored session's first byte; a session that begins otherwise is not ours to read.
const codecVersion = 1

func (codec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	data := binary.AppendVarint([]byte{codecVersion}, deadline.Unix())
	for key, value := range values {
		text, ok := value.(string)
		if !ok {
			return nil, fmt.Errorf("session value %q is a %T, not a string", key, value)
		}
		for _, part := range []string{key, text} {
			data = append(binary.AppendUvarint(data, uint64(len(part))), part...)
		}
	}
	return data, nil
}

// Decode reads what Encode wrote. A session that another version of us wrote otherwise is an empty one: its owner
// signs in once more, which is kinder than an error that stays until the cookie runs out.
func (codec) Decode(data []byte) (time.Time, map[string]any, error) {
	deadline, values, ok := decode(data)
	if !ok {
		return time.Now().Add(flowLifetime), map[string]any{}, nil
	}
	return deadline, values, nil
}

func decode(data []byte) (time.Time, map[string]any, bool) {
	if len(data) == 0 || data[0] != codecVersion {
		return time.Time{}, nil, false
	}
	seconds, n := binary.Varint(data[1:])
	if n <= 0 {
		return time.Time{}, nil, false
	}
	rest, values := data[1+n:], map[string]any{}
	for len(rest) > 0 {
		var key, value string
		var ok bool
		if key, rest, ok = cutText(rest); !ok {
			return time.Time{}, nil, false
		}
		if value, rest, ok = cutText(rest); !ok {
			return time.Time{}, nil, false
		}
		values[key] = value
	}
	return time.Unix(seconds, 0).UTC(), values, true
}

// cutText takes one string with its length off data.
func cutText(data []byte) (text string, rest []byte, ok bool) {
	length, n := binary.Uvarint(data)
	if n <= 0 || length > math.MaxInt32 || int(length) > len(data)-n {
		return "", nil, false
	}
	end := n + int(length)
	return string(data[n:end]), data[end:], true
}
