package bounceradmin

import (
	"context"
	"errors"
	"net/http"

	"github.com/jackc/pgx/v5"

	"irc.now/shared/bouncer"
)

// soju writes the column when a client has registered and when one has left.
const seenQuery = `SELECT COALESCE(downstream_interacted_at, '0001-01-01 00:00:00Z') FROM "User" WHERE username = $1`

// clientSeen tells when one of the user's clients came in or left last.
func (s *Server) clientSeen(ctx context.Context, user string, w http.ResponseWriter, _ *http.Request) error {
	var seen bouncer.ClientSeen
	err := s.records.inTx(ctx, func(tx pgx.Tx) error { return tx.QueryRow(ctx, seenQuery, user).Scan(&seen.At) })
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	seen.At = seen.At.UTC()
	return respond(w, seen)
}
