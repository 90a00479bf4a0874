package bouncer_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"irc.now/functions/portal"
	"irc.now/functions/portal/portaltest"
	"irc.now/functions/portal/portaltest/clustertest"
	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/account"
)

func TestAPageFollowsTheBouncerAsItIsMade(t *testing.T) {
	c := clustertest.Start(t)
	p := c.Pro("ada")
	p.Post("/bouncer")
	s := p.Follow("/bouncer/events")
	s.Says("own-state", "Being set up")
	c.Say("ada", v1alpha1.DatabaseReady, metav1.ConditionTrue, "")
	s.Says("own-parts", "Done")
	c.Say("ada", v1alpha1.WorkloadReady, metav1.ConditionFalse, "The image cannot be fetched.")
	s.Says("own-parts", "The image cannot be fetched.")

	dedicated := c.Finish("ada")
	for { // the operator's single steps
		if event, data := s.Next(); event == "" || strings.Contains(data, "It is up") && strings.Contains(data, `href="https://ada.irc.test/"`) {
			break
		}
	}
	s.Close()
	// Nobody has opened another page: the stream itself has told the new bouncer of its user.
	dedicated.With(func() {
		if limit, told := dedicated.Users["ada"]; !told || limit != account.Unlimited {
			t.Errorf("the bouncer was told %v", dedicated.Users)
		}
	})
}

func TestEachPartThatIsFollowedIsOnThePage(t *testing.T) {
	c := clustertest.Start(t)
	p := c.Pro("ada")
	p.Post("/bouncer")
	c.Finish("ada")
	page := p.Get("/bouncer")
	if address, _ := page.Find("[data-follow]").Attr("data-follow"); address != "/bouncer/events" {
		t.Errorf("the page follows %q", address)
	}
	fresh := p.Follow("/bouncer/events").Says("own-state", "Ready")
	count := 0
	page.Find("[data-live-id]").Each(func(_ int, shown *goquery.Selection) {
		id, _ := shown.Attr("data-live-id")
		was, _ := shown.Html()
		is, _ := fresh.Find(`[data-live-id="` + id + `"]`).Html()
		if was != is {
			t.Errorf("%s is\n%s\non the page and\n%s\nin the stream", id, was, is)
		}
		count++
	})
	if count != 3 {
		t.Errorf("%d parts are followed", count)
	}
}

func TestADeletedBouncerEndsOnThePage(t *testing.T) {
	c := clustertest.Start(t)
	p := c.Pro("ada")
	p.Post("/bouncer")
	s := p.Follow("/bouncer/events")
	s.Says("own-state", "Being set up")
	if err := c.Tenants.Delete(t.Context(), c.Stored("ada")); err != nil {
		t.Fatal(err)
	}
	if page := s.Says("own-state", "You have no bouncer of your own any more"); page.Find("a[href='/bouncer']").Length() != 1 {
		t.Error("nothing leads on")
	}
}

func TestAStreamRestsAfterAWhile(t *testing.T) {
	c := clustertest.Start(t, portaltest.Timed(portal.Timing{Patience: time.Hour, Follow: 200 * time.Millisecond}))
	p := c.Pro("ada")
	p.Post("/bouncer")
	s := p.Follow("/bouncer/events")
	event, _ := s.Next()
	for event == "state" { // none, where finding the bouncer took longer
		event, _ = s.Next()
	}
	if event != "rest" {
		t.Errorf("the last event is %q", event)
	}
	if event, _ := s.Next(); event != "" {
		t.Errorf("%q follows the rest", event)
	}
}

func TestAStreamDoesNotHoldUpTheEndOfTheProgram(t *testing.T) {
	c := clustertest.Start(t)
	p := c.Pro("ada")
	p.Post("/bouncer")
	s := p.Follow("/bouncer/events")
	s.Says("own-state", "Being set up")
	c.Function.Drain()
	if event, _ := s.Next(); event != "rest" {
		t.Errorf("the last event is %q", event)
	}
}

func TestAUserFollowsAFewPagesAtOnce(t *testing.T) {
	c := clustertest.Start(t)
	p := c.Pro("ada")
	p.Post("/bouncer")
	open := make([]*portaltest.Stream, 0, 4)
	for range 4 {
		s := p.Follow("/bouncer/events")
		s.Says("own-state", "Being set up")
		open = append(open, s)
	}
	if response := p.Open("/bouncer/events"); response.StatusCode != http.StatusTooManyRequests { //nolint:bodyclose // closed when the test ends
		t.Errorf("status %d", response.StatusCode)
	}
	c.Pro("eve").Follow("/bouncer/events").Says("own-state", "no bouncer of your own")
	for _, s := range open {
		s.Close()
	}
}

func TestAStreamIsForWhoIsSignedIn(t *testing.T) {
	v := clustertest.Start(t).Visitor(t)
	v.Do(http.MethodGet, "/bouncer/events", "", "Sec-Fetch-Mode", "cors").Status(http.StatusUnauthorized)
}
