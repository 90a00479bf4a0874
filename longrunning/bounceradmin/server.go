// Package bounceradmin changes one soju over HTTP, for callers that hold its token. It runs beside soju:
// every write goes through soju's admin socket, and soju's database is only read, as a role that may do no
// more.
//
// Requests are hostile even with a valid token, for they carry what users typed: each field is validated
// here again, and quoted so that a word stays the one word it is. Passwords come in and never go out.
package bounceradmin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/fault"
	"irc.now/shared/store"
	"irc.now/shared/telemetry"
)

// requestTimeout bounds a request with all its commands.
const requestTimeout = 30 * time.Second

// Config is what New needs. Log and Metrics may be nil.
type Config struct {
	Socket    string        // path of soju's admin socket
	ReaderURL config.Secret // soju's database, as a role that may only read
	Token     config.Secret // what callers present as bearer token
	// Own are networks of the platform's operator, which may lie in private address space.
	Own     []bouncer.KnownUpstream
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Validate reports everything that is missing.
func (c Config) Validate() error {
	var problems []error
	if c.Socket == "" {
		problems = append(problems, errors.New("the path of soju's admin socket is missing"))
	}
	if c.ReaderURL == "" {
		problems = append(problems, errors.New("the address of soju's database is missing"))
	}
	if c.Token == "" {
		problems = append(problems, errors.New("the token is missing: without one anybody could change the bouncer"))
	}
	return errors.Join(problems...)
}

// Server is the admin service, an http.Handler. It is safe for concurrent use.
type Server struct {
	token   config.Secret
	own     []bouncer.KnownUpstream
	log     *slog.Logger
	soju    *soju
	records *records
	locks   locks
	busy    busy
	tasks   tasks
	pool    *pgxpool.Pool
	handler http.Handler
}

// New makes a server. It touches neither soju nor the database, which may be away and come later.
func New(c Config) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	pool, err := store.Open(context.Background(), c.ReaderURL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("open soju's database: %w", err)
	}
	s := &Server{
		token: c.Token, own: c.Own, log: c.Log, pool: pool,
		soju: newSoju(c.Socket, c.Metrics), records: &records{pool}, locks: locks{held: map[string]*holder{}},
		busy: busy{until: map[string]time.Time{}}, tasks: tasks{running: map[taskID]*task{}},
	}
	s.handler = s.routes()
	return s, nil
}

// Close gives up what soju has not come to and gives the database connections back. No request may be under way.
func (s *Server) Close() {
	_ = s.tasks.group.Stop(context.Background()) // its error would be a context's that ended
	s.pool.Close()
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("GET /v1/status", s.authorized(s.status))
	mux.Handle("PUT /v1/users/{user}", s.forUser(s.ensureUser))
	mux.Handle("DELETE /v1/users/{user}", s.forUser(s.deleteUser))
	mux.Handle("POST /v1/users/{user}/disconnect", s.forUser(s.disconnect))
	mux.Handle("GET /v1/users/{user}/seen", s.forReader(s.clientSeen))
	mux.Handle("GET /v1/users/{user}/networks", s.forReader(s.listNetworks))
	mux.Handle("POST /v1/users/{user}/networks", s.forUser(s.createNetwork))
	mux.Handle("PUT /v1/users/{user}/network", s.forUser(s.updateNetwork))
	mux.Handle("DELETE /v1/users/{user}/network", s.forUser(s.deleteNetwork))
	mux.Handle("PUT /v1/users/{user}/network/enabled", s.forUser(s.setEnabled))
	mux.Handle("POST /v1/users/{user}/network/reconnect", s.forUser(s.reconnectNetwork))
	mux.Handle("POST /v1/users/{user}/network/certificate", s.forUser(s.makeCertificate))
	mux.Handle("DELETE /v1/users/{user}/network/certificate", s.forUser(s.dropCertificate))
	return mux
}

type handler func(w http.ResponseWriter, r *http.Request) error

type userHandler func(ctx context.Context, user string, w http.ResponseWriter, r *http.Request) error

// authorized lets callers with the token pass, under a deadline, and reports what went wrong.
func (s *Server) authorized(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		presented, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !found || !s.token.Equal(presented) {
			s.refuse(w, r, fault.New(fault.Unauthenticated, "This address needs the bouncer's token."))
			return
		}
		ctx, cancel := context.WithTimeout(telemetry.WithRequestID(r.Context(), telemetry.RequestIDFrom(r)), requestTimeout)
		defer cancel()
		w.Header().Set("Cache-Control", "no-store")
		r = r.WithContext(ctx)
		if err := h(w, r); err != nil {
			s.refuse(w, r, err)
		}
	})
}

// forReader adds the user of the path.
func (s *Server) forReader(h userHandler) http.Handler {
	return s.authorized(func(w http.ResponseWriter, r *http.Request) error {
		user := r.PathValue("user")
		if err := checkUser(user); err != nil {
			return err
		}
		return h(r.Context(), user, w, r)
	})
}

// forUser is forReader for writes: a user's writes come one after the other, since most are several
// commands.
func (s *Server) forUser(h userHandler) http.Handler {
	return s.forReader(func(ctx context.Context, user string, w http.ResponseWriter, r *http.Request) error {
		unlock, err := s.locks.lock(ctx, user)
		if err != nil {
			return err
		}
		defer unlock()
		return h(ctx, user, w, r)
	})
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) error {
	status, err := s.soju.status(r.Context())
	if err != nil {
		return err
	}
	return respond(w, status)
}
