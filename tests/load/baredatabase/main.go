// Baredatabase is the least that a Go program serving HTTP from a database can be: it connects to DATABASE_URL
// and asks something before it answers. It says on standard error where it listens, at once, as ours do.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
)

func main() {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "{\"msg\":\"listening\",\"address\":%q}\n", listener.Addr().String())
	if err := ask(context.Background(), os.Getenv("DATABASE_URL")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server := http.Server{ReadTimeout: time.Second, Handler: http.HandlerFunc(answer)}
	fmt.Fprintln(os.Stderr, server.Serve(listener))
	os.Exit(1)
}

func answer(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello\n") }

func ask(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "SELECT 1")
	return err
}
