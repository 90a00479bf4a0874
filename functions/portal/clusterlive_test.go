package portal_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/account"
)

// stream is an open page that follows the bouncer, without the page.
type stream struct {
	t     *testing.T
	body  *bufio.Scanner
	close func() error
}

func (p *person) follow(t *testing.T) *stream {
	t.Helper()
	response := p.open(t) //nolint:bodyclose // closed when the test ends
	if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("status %d, %s", response.StatusCode, kind)
	}
	return &stream{t, bufio.NewScanner(response.Body), response.Body.Close}
}

func (p *person) open(t *testing.T) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.g.URL+"/bouncer/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := p.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

// next is the next event and its data; both are empty at the end.
func (s *stream) next() (event, data string) {
	var lines []string
	for s.body.Scan() {
		field, value, _ := strings.Cut(s.body.Text(), ": ")
		switch {
		case field == "event":
			event = value
		case field == "data":
			lines = append(lines, value)
		case s.body.Text() == "" && event != "":
			return event, strings.Join(lines, "\n")
		}
	}
	return "", ""
}

// says wants the next event to be a state whose part id says text.
func (s *stream) says(id, text string) *goquery.Document {
	s.t.Helper()
	event, data := s.next()
	page, err := goquery.NewDocumentFromReader(strings.NewReader(data))
	if err != nil {
		s.t.Fatal(err)
	}
	if got := page.Find(`[data-live-id="` + id + `"]`).Text(); event != "state" || !strings.Contains(got, text) {
		s.t.Errorf("event %q: %s says %q, want %q", event, id, got, text)
	}
	return page
}

func TestAPageFollowsTheBouncerAsItIsMade(t *testing.T) {
	c := startCloud(t)
	p := c.pro("ada")
	p.post("/bouncer")
	s := p.follow(t)
	s.says("own-state", "Being set up")
	c.say("ada", v1alpha1.DatabaseReady, metav1.ConditionTrue, "")
	s.says("own-parts", "Done")
	c.say("ada", v1alpha1.WorkloadReady, metav1.ConditionFalse, "The image cannot be fetched.")
	s.says("own-parts", "The image cannot be fetched.")

	own := c.finish("ada")
	for { // the operator's single steps
		if event, data := s.next(); event == "" || strings.Contains(data, "It is up") && strings.Contains(data, `href="https://ada.irc.test/"`) {
			break
		}
	}
	if s.close() != nil {
		t.Error("the stream cannot be closed")
	}
	// Nobody has opened another page: the stream itself has told the new bouncer of its user.
	own.with(func() {
		if limit, told := own.users["ada"]; !told || limit != account.Unlimited {
			t.Errorf("the bouncer was told %v", own.users)
		}
	})
}

func TestEachPartThatIsFollowedIsOnThePage(t *testing.T) {
	c := startCloud(t)
	p := c.pro("ada")
	p.post("/bouncer")
	c.finish("ada")
	page := p.get("/bouncer")
	if address, _ := page.Find("[data-follow]").Attr("data-follow"); address != "/bouncer/events" {
		t.Errorf("the page follows %q", address)
	}
	fresh := p.follow(t).says("own-state", "Ready")
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
	c := startCloud(t)
	p := c.pro("ada")
	p.post("/bouncer")
	s := p.follow(t)
	s.says("own-state", "Being set up")
	if err := c.tenants.Delete(t.Context(), c.stored("ada")); err != nil {
		t.Fatal(err)
	}
	if page := s.says("own-state", "You have no bouncer of your own any more"); page.Find("a[href='/bouncer']").Length() != 1 {
		t.Error("nothing leads on")
	}
}

func TestAStreamRestsAfterAWhile(t *testing.T) {
	c := startCloud(t)
	p := c.pro("ada")
	p.post("/bouncer")
	c.function.FollowFor(200 * time.Millisecond)
	s := p.follow(t)
	event, _ := s.next()
	for event == "state" { // none, where finding the bouncer took longer
		event, _ = s.next()
	}
	if event != "rest" {
		t.Errorf("the last event is %q", event)
	}
	if event, _ := s.next(); event != "" {
		t.Errorf("%q follows the rest", event)
	}
}

func TestAStreamDoesNotHoldUpTheEndOfTheProgram(t *testing.T) {
	c := startCloud(t)
	p := c.pro("ada")
	p.post("/bouncer")
	s := p.follow(t)
	s.says("own-state", "Being set up")
	c.function.Drain()
	if event, _ := s.next(); event != "rest" {
		t.Errorf("the last event is %q", event)
	}
}

func TestAUserFollowsAFewPagesAtOnce(t *testing.T) {
	c := startCloud(t)
	p := c.pro("ada")
	p.post("/bouncer")
	open := make([]*stream, 0, 4)
	for range 4 {
		s := p.follow(t)
		s.says("own-state", "Being set up")
		open = append(open, s)
	}
	if response := p.open(t); response.StatusCode != http.StatusTooManyRequests { //nolint:bodyclose // closed when the test ends
		t.Errorf("status %d", response.StatusCode)
	}
	c.pro("eve").follow(t).says("own-state", "no bouncer of your own")
	for _, s := range open {
		if s.close() != nil {
			t.Error("a stream cannot be closed")
		}
	}
}

func TestAStreamIsForWhoIsSignedIn(t *testing.T) {
	v := startCloud(t).visitor(t)
	v.do(http.MethodGet, "/bouncer/events", "", "Sec-Fetch-Mode", "cors").status(http.StatusUnauthorized)
}
