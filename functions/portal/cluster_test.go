package portal_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"irc.now/functions/portal"
	"irc.now/functions/portal/portaltest"
	"irc.now/functions/portal/portaltest/clustertest"
	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/client/clienttest"
	"irc.now/shared/key/keytest"
)

func TestMain(m *testing.M) { os.Exit(clienttest.Main(m)) }

func TestAClusterNeedsTheKeyOfAdministration(t *testing.T) {
	c := clustertest.Start(t)
	env := c.Env()
	maps.Copy(env, c.Tenants.Env())
	if err := portal.New().Start(t.Context(), env); err == nil || !strings.Contains(err.Error(), "BOUNCER_ADMIN_KEY_FILE") {
		t.Errorf("started without: %v", err)
	}
	env["BOUNCER_ADMIN_KEY_FILE"], env["KUBERNETES_API_URL"] = keytest.File(t, "x"), ""
	if err := portal.New().Start(t.Context(), env); err == nil || !strings.Contains(err.Error(), "KUBERNETES_API_URL") {
		t.Errorf("started outside of a pod: %v", err)
	}
}

func TestPagesAreAboutTheOwnBouncerWhileItIsReady(t *testing.T) {
	c := clustertest.Start(t)
	p := c.Pro("ada")
	p.Post("/networks", portaltest.Libera...).Status(http.StatusOK)
	p.Post("/bouncer").Status(http.StatusOK)
	p.Get("/networks").Says("Your own bouncer is not ready, so this is about the shared one.", "libera").Has("/bouncer")
	p.Get("/connect").Says("Your own bouncer is not ready", "irc.localhost", "6667")

	dedicated := c.Finish("ada")
	p.Get("/bouncer").Says("Ready")
	p.Get("/networks").Says("No networks yet").SaysNot("Your own bouncer is not ready")
	p.Post("/networks", portaltest.But("name", "oftc", "host", "irc.oftc.net")...).Status(http.StatusOK).Says("oftc").SaysNot("libera")
	if names := dedicated.Names("ada"); names != "oftc" {
		t.Errorf("the dedicated bouncer has %q", names)
	}
	p.Get("/connect").Says("ada.irc.test", "6697", "on, from the first byte", "ada/oftc").SaysNot("irc.localhost:6667")
	p.Get("/").Says("your own", "ada.irc.test", "oftc")
	p.Post("/networks/1", portaltest.But("name", "oftc", "host", "irc.oftc.net", "nick", "ada2")...).Status(http.StatusOK).Says("ada2")
	p.Post("/networks/1/disconnect").Status(http.StatusOK).Says("Switched off")
	p.Get("/bouncer/delete").Says("Its networks are forgotten", "oftc")
	p.Post("/networks/1/remove").Status(http.StatusOK).Says("oftc is removed")
	if names := c.Bouncer.Names("ada"); names != "libera" {
		t.Errorf("the shared bouncer has %q", names)
	}

	c.Say("ada", v1alpha1.Ready, metav1.ConditionFalse, "The pod is starting.")
	p.Get("/bouncer").Says("The pod is starting.")
	p.Get("/networks").Says("libera")
}

func TestPagesWorkWhileTheAPIServerIsAway(t *testing.T) {
	c := clustertest.Start(t, clustertest.APIServer("http://127.0.0.1:1"))
	free := c.User(t, "eve")
	free.Post("/networks", portaltest.Libera...).Status(http.StatusOK).Says("libera is added")
	free.Get("/bouncer").Status(http.StatusOK).Says("Not known", "does not answer", "With Pro")

	p := c.Pro("ada")
	p.Get("/bouncer").Status(http.StatusOK).Says("Not known", "Please try again in a minute.").SaysNot("Create your bouncer", `href="/bouncer/delete"`)
	p.Post("/bouncer").Status(http.StatusServiceUnavailable).Says("Please try again in a minute.", "Your bouncer")
	p.Get("/bouncer/delete").Status(http.StatusServiceUnavailable)
	// Their networks are on one bouncer or the other, and nothing may be written to the wrong one.
	for _, path := range []string{"/", "/networks", "/connect"} {
		p.Get(path).Status(http.StatusOK).Says("does not answer")
	}
	p.Post("/networks", portaltest.Libera...).Status(http.StatusServiceUnavailable)
	if names := c.Bouncer.Names("ada"); names != "" {
		t.Errorf("the shared bouncer has %q", names)
	}
	p.Follow("/bouncer/events").Says("own-state", "does not answer")
}

func TestPagesAreQuickWhileTheAPIServerDoesNotAnswer(t *testing.T) {
	silent := make(chan struct{})
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		select {
		case <-silent:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(silent)
	now := time.Now()
	c := clustertest.Start(t, clustertest.APIServer(server.URL),
		portaltest.Timed(portal.Timing{Now: func() time.Time { return now }, Patience: 100 * time.Millisecond}))
	p := c.User(t, "eve")
	p.Get("/networks").Status(http.StatusOK)
	for range 3 {
		p.Get("/bouncer").Status(http.StatusOK).Says("Not known")
	}
	if n := asked.Load(); n > 1 {
		t.Errorf("it was asked %d times by four pages: each waits for itself", n)
	}
}
