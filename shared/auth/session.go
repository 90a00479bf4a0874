package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"irc.now/shared/fault"
)

// Keys of a session's values.
const (
	keyUser     = "user"
	keyIDToken  = "id_token"
	keySeen     = "seen"
	keyEmail    = "email"
	keyUsername = "preferred_username"
	keyName     = "name"

	keyAuthenticated = "auth_time"

	notePrefix = "note:"
	sealPrefix = "sealed:"
)

func newManager(store scs.CtxStore, baseURL string) *scs.SessionManager {
	manager := scs.New()
	manager.Lifetime = sessionLifetime
	manager.Store = store
	manager.Codec = codec{}
	manager.HashTokenInStore = true // so that reading the table does not open anybody's session
	manager.Cookie.Name = "session"
	manager.Cookie.SameSite = http.SameSiteLaxMode // Strict would lose the session on the way back from the provider
	if strings.HasPrefix(baseURL, "https:") {
		manager.Cookie.Name = "__Host-session"
		manager.Cookie.Secure = true
	}
	return manager
}

// Session loads the visitor's session for next and stores what next changed before the first byte of its answer.
// Answers to someone with a session are never cached. It must wrap every handler that calls another method of [Auth].
func (a *Auth) Session(next Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx, err := a.sessions.Load(withLoaded(r.Context()), a.cookieOf(r))
		if err != nil {
			return sessionFault(err)
		}
		w.Header().Add("Vary", "Cookie")
		w.Header().Set("Cache-Control", "no-store")
		a.touch(ctx)
		writer := &sessionWriter{ResponseWriter: w, ctx: ctx, auth: a}
		err = next(writer, r.WithContext(ctx))
		if commitErr := writer.commit(); commitErr != nil {
			return commitErr
		}
		return err
	}
}

func (a *Auth) cookieOf(r *http.Request) string {
	cookie, err := r.Cookie(a.sessions.Cookie.Name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// touch ends a session that was not used for too long and notes the use of any other.
func (a *Auth) touch(ctx context.Context) {
	if a.sessions.GetString(ctx, keyUser) == "" {
		return
	}
	now := a.config.Now()
	seen, err := time.Parse(time.RFC3339, a.sessions.GetString(ctx, keySeen))
	switch {
	case err != nil || now.Sub(seen) > sessionIdle:
		a.clear(ctx)
	case now.Sub(seen) > seenEvery:
		a.sessions.Put(ctx, keySeen, now.UTC().Format(time.RFC3339))
	}
}

// clear forgets all of the session; scs's own error is for a missing context, which Session rules out.
func (a *Auth) clear(ctx context.Context) { _ = a.sessions.Clear(ctx) }

// UserID is the id of the signed-in user, "" for a visitor.
func (a *Auth) UserID(ctx context.Context) string { return a.sessions.GetString(ctx, keyUser) }

// Identity is what the identity provider said of the signed-in user at sign-in, without the subject.
func (a *Auth) Identity(ctx context.Context) Identity {
	authenticated, _ := time.Parse(time.RFC3339Nano, a.sessions.GetString(ctx, keyAuthenticated)) // a session of before has none
	return Identity{
		Authenticated:     authenticated,
		Email:             a.sessions.GetString(ctx, keyEmail),
		PreferredUsername: a.sessions.GetString(ctx, keyUsername),
		Name:              a.sessions.GetString(ctx, keyName),
	}
}

// Note keeps a short text for the visitor's next page under name; [Auth.TakeNote] reads it once.
func (a *Auth) Note(ctx context.Context, name, text string) {
	a.sessions.Put(ctx, notePrefix+name, text)
}

// TakeNote reads and forgets a note; "" where there is none.
func (a *Auth) TakeNote(ctx context.Context, name string) string {
	return a.sessions.PopString(ctx, notePrefix+name)
}

// sessionWriter stores the session before the answer's first byte, while its cookie can still be set.
type sessionWriter struct {
	http.ResponseWriter
	ctx       context.Context // of this one request; a ResponseWriter's methods take none
	auth      *Auth
	committed bool
	failed    error
}

// commit stores the session once. Where that fails, nothing of the answer is sent: it would promise what was not kept.
func (w *sessionWriter) commit() error {
	if w.committed {
		return w.failed
	}
	w.committed = true
	sessions := w.auth.sessions
	switch sessions.Status(w.ctx) {
	case scs.Modified:
		token, expiry, err := sessions.Commit(w.ctx)
		if err != nil {
			w.failed = sessionFault(err)
			return w.failed
		}
		sessions.WriteSessionCookie(w.ctx, w.ResponseWriter, token, expiry)
	case scs.Unmodified:
	case scs.Destroyed:
		sessions.WriteSessionCookie(w.ctx, w.ResponseWriter, "", time.Time{})
	}
	// scs adds a directive of its own, which says less than ours.
	w.Header().Set("Cache-Control", "no-store")
	return nil
}

func (w *sessionWriter) WriteHeader(status int) {
	if w.commit() == nil {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *sessionWriter) Write(body []byte) (int, error) {
	if err := w.commit(); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(body)
}

func (w *sessionWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func sessionFault(err error) error {
	if errors.Is(err, errSessionEnded) {
		return fault.Wrap(err, fault.Unauthenticated, "You were signed out while this page was on its way. Please sign in again.")
	}
	return fault.Wrap(err, fault.Unavailable,
		"We cannot reach our database at the moment, so we cannot tell who you are. Please try again in a minute; your bouncer stays connected.")
}

// Forget signs the visitor out here without asking anybody: for a session whose account is gone.
func (a *Auth) Forget(ctx context.Context) { a.clear(ctx) }
