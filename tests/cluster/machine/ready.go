package machine

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// probeInterval is between two tries: nobody tells us when a server is ready.
const probeInterval = 50 * time.Millisecond

// wait tries until the probe answers nil or ctx ends, and then says what the probe said last.
func wait(ctx context.Context, probe func(context.Context) error) error {
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	for {
		failed := probe(ctx)
		if failed == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (last: %w)", ctx.Err(), failed)
		case <-ticker.C:
		}
	}
}

// listens is a probe for servers that say no more than that they are there.
func listens(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		dialer := net.Dialer{Timeout: time.Second}
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// answers is a probe for servers with a health page. The file is the authority whose certificates it believes.
func answers(url, authorityFile string) func(context.Context) error {
	return func(ctx context.Context) error {
		transport := &http.Transport{DisableKeepAlives: true}
		if authorityFile != "" {
			content, err := os.ReadFile(authorityFile)
			if err != nil {
				return err
			}
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM(content)
			transport.TLSClientConfig = &tls.Config{RootCAs: pool}
		}
		client := http.Client{Transport: transport, Timeout: 2 * time.Second}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, response.Status)
		}
		return nil
	}
}
