package bounceradmin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"irc.now/shared/bouncer"
	"irc.now/shared/fault"
)

// noLimit is how "no limit" is told to soju, where -1 means the server's default limit.
const noLimit = math.MaxInt32

// ensureUser makes the user or sets the limit, and leaves everything else alone.
func (s *Server) ensureUser(ctx context.Context, user string, w http.ResponseWriter, r *http.Request) error {
	var body bouncer.MaxNetworks
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if body.MaxNetworks < 0 || body.MaxNetworks > noLimit {
		body.MaxNetworks = noLimit
	}
	limit := strconv.Itoa(body.MaxNetworks)
	record, found, err := s.records.user(ctx, user)
	if err != nil {
		return err
	}
	if !found {
		_, err = s.soju.run(ctx, "user", "create", "-username", user, "-disable-password", "-max-networks", limit)
		if err == nil || !fault.Is(err, fault.Conflict) {
			return finish(w, err)
		}
		// soju itself makes users at their first sign-in, perhaps just now.
	} else if record.MaxNetworks == body.MaxNetworks {
		return finish(w, nil)
	}
	_, err = s.soju.run(ctx, "user", "update", user, "-max-networks", limit)
	return finish(w, err)
}

// deleteUser confirms with the token that soju asks for.
func (s *Server) deleteUser(ctx context.Context, user string, w http.ResponseWriter, _ *http.Request) error {
	_, found, err := s.records.user(ctx, user)
	if err != nil || !found {
		return finish(w, err)
	}
	lines, err := s.soju.run(ctx, "user", "delete", user)
	if err != nil {
		return finish(w, missing(err))
	}
	words := strings.Fields(strings.Join(lines, " "))
	if len(words) == 0 {
		return errors.New("delete user: soju gave no confirmation token")
	}
	_, err = s.soju.run(ctx, "user", "delete", user, strings.Trim(words[len(words)-1], `"`))
	return finish(w, missing(err))
}

// disconnect closes the user's client connections: soju does so whenever a password changes, also from
// none to none. Nobody signs in with soju's own passwords here.
func (s *Server) disconnect(ctx context.Context, user string, w http.ResponseWriter, _ *http.Request) error {
	_, found, err := s.records.user(ctx, user)
	if err != nil || !found {
		return finish(w, err)
	}
	_, err = s.soju.run(ctx, "user", "update", user, "-disable-password")
	return finish(w, missing(err))
}

// missing takes a user that has gone meanwhile for what was asked.
func missing(err error) error {
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// finish answers a write: nothing to tell, or what went wrong.
func finish(w http.ResponseWriter, err error) error {
	if err != nil {
		return fmt.Errorf("change soju: %w", err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
