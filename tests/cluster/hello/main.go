// Command hello is the smallest function there can be: what it costs to start and to answer is what the platform costs,
// so the benchmarks measure the product's functions against it. It answers GET with one line and takes a CloudEvent by
// POST, whose arrival it logs with the event's id.
package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	server := &http.Server{Addr: ":" + port, Handler: routes(log), ReadTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Shutdown(context.WithoutCancel(ctx))
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.ErrorContext(ctx, "hello ended", slog.Any("error", err))
		os.Exit(1)
	}
}

func routes(log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello\n") })
	mux.HandleFunc("POST /", receive(log))
	return mux
}

// receive accepts a CloudEvent in binary mode. The answer has no body: Knative takes any other body for an event in
// reply, and fails when it is none.
func receive(log *slog.Logger) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("Ce-Id")
		if id == "" {
			http.Error(w, "This is no CloudEvent: the header Ce-Id is missing.", http.StatusBadRequest)
			return
		}
		if _, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 1<<20)); err != nil {
			http.Error(w, "The event could not be read.", http.StatusBadRequest)
			return
		}
		log.InfoContext(r.Context(), "event", slog.String("event", id))
		w.WriteHeader(http.StatusAccepted)
	}
}
