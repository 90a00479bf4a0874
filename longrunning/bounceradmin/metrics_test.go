package bounceradmin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"irc.now/longrunning/bounceradmin"
	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/shared/bouncer"
	"irc.now/shared/fault"
)

func TestCommandsAreCountedByKindAndOutcome(t *testing.T) {
	soju := serverstest.Soju(t, nil)
	registry := prometheus.NewRegistry()
	server, err := bounceradmin.New(bounceradmin.Config{
		Socket: soju.AdminSocket(), ReaderURL: soju.ReaderURL, Token: token, Metrics: registry,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	front := httptest.NewServer(server)
	t.Cleanup(front.Close)
	admin := bouncer.NewAdmin(front.URL, token, http.DefaultClient)
	if err := admin.EnsureUser(t.Context(), "ada", 0); err != nil {
		t.Fatal(err)
	}
	wantKind(t, admin.CreateUpstream(t.Context(), "ada", bouncer.UpstreamSpec{Name: "n", Host: "irc.oftc.net", Port: 6697, TLS: true}), fault.OverQuota)
	want := `
# HELP bounceradmin_commands_total Commands sent to soju, by kind and outcome.
# TYPE bounceradmin_commands_total counter
bounceradmin_commands_total{command="network create",outcome="ok"} 1
bounceradmin_commands_total{command="network delete",outcome="ok"} 1
bounceradmin_commands_total{command="network update",outcome="refused"} 1
bounceradmin_commands_total{command="user create",outcome="ok"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "bounceradmin_commands_total"); err != nil {
		t.Error(err)
	}
}

func TestAServerWithoutATokenIsNotMade(t *testing.T) {
	_, err := bounceradmin.New(bounceradmin.Config{})
	if err == nil || !strings.Contains(err.Error(), "token") || !strings.Contains(err.Error(), "socket") {
		t.Errorf("err = %v", err)
	}
}
