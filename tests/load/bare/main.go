// Bare is the least that a Go program serving HTTP can be: what start-up times are compared with. Like our
// programs it says on standard error where it listens.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "{\"msg\":\"listening\",\"address\":%q}\n", listener.Addr().String())
	server := http.Server{ReadTimeout: time.Second, Handler: http.HandlerFunc(answer)}
	fmt.Fprintln(os.Stderr, server.Serve(listener))
	os.Exit(1)
}

func answer(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello\n") }
