package local

import (
	"net/http"
	"sync/atomic"
)

// late is a handler that is filled in once its part has started. Until then it answers 503.
type late struct{ handler atomic.Pointer[http.Handler] }

func (l *late) set(h http.Handler) { l.handler.Store(&h) }

// ServeHTTP passes the request on.
func (l *late) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := l.handler.Load()
	if h == nil {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "irc.now is starting. Try again in a moment.", http.StatusServiceUnavailable)
		return
	}
	(*h).ServeHTTP(w, r)
}
