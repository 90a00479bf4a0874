package bouncer_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"irc.now/functions/portal/portaltest"
	"irc.now/functions/portal/portaltest/clustertest"
	"irc.now/shared/key/keytest"
)

// journal keeps what is logged. It is safe for concurrent use.
type journal struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines.Write(line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines.String()
}

// An API server that does not answer is all that this needs of a cluster.
func TestAPageThatCannotBeKeptUpToDateIsLogged(t *testing.T) {
	var log journal
	g := portaltest.Start(t, portaltest.LogTo(&log), clustertest.APIServer("http://127.0.0.1:1"),
		portaltest.With(map[string]string{"TENANT_NAMESPACE": "tenants", "BOUNCER_ADMIN_KEY_FILE": keytest.File(t, "the key that all tokens of bouncers come from")}))
	follower := g.User(t, "ada").Follow("/bouncer/events")
	follower.Says("own-state", "does not answer")
	g.Execute(t, `ALTER TABLE billing RENAME TO gone`)
	for event := "state"; event == "state"; {
		event, _ = follower.Next()
	}
	g.Close() // waits until the request is over
	if !strings.Contains(log.String(), "could not be kept up to date") || !strings.Contains(log.String(), `\"billing\" does not exist`) {
		t.Errorf("the page ended, and the log does not say why:\n%s", &log)
	}
}
