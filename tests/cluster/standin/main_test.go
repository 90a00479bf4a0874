package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/longrunning/local/storetest"
	"irc.now/tests/eventually"
)

// TestBothAnswerUnderTheirHost starts the whole program and asks it as the cluster's ingress does.
func TestBothAnswerUnderTheirHost(t *testing.T) {
	address := serverstest.Address(t).String()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, map[string]string{
			"ISSUER": "http://auth.irc.test", "STRIPE_URL": "http://stripe.irc.test", "PORTAL_URL": "https://my.irc.test",
			"WEBHOOK_URL": "http://pay.irc.test/webhook", "DATABASE_ADMIN_URL": storetest.Server(t).URL("postgres"),
			"PORTAL_CLIENT_SECRET": "a", "INTROSPECT_CLIENT_SECRET": "b", "STRIPE_KEY": "sk_test", "STRIPE_WEBHOOK_SECRET": "whsec",
			"SEAL_KEY": "seal", "LISTEN_ADDRESS": address,
		}, slog.New(slog.DiscardHandler))
	}()
	for host, want := range map[string]struct {
		path   string
		status int
	}{
		"auth.irc.test":   {"/.well-known/openid-configuration", http.StatusOK},
		"stripe.irc.test": {"/v1/prices/price_pro", http.StatusUnauthorized},
	} {
		if status, body := ask(t, address, host, want.path); status != want.status {
			t.Errorf("%s%s answers %d: %s", host, want.path, status, body)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// ask asks until there is an answer: the program says nobody when it is ready.
func ask(t *testing.T, address, host, path string) (status int, body string) {
	t.Helper()
	eventually.Within(t, 30*time.Second, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
		if err != nil {
			return err
		}
		request.Host = host
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		read, err := io.ReadAll(answer.Body)
		status, body = answer.StatusCode, string(read)
		return err
	})
	return status, body
}
