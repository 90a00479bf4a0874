package local_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ergochat/irc-go/ircevent"
	"github.com/ergochat/irc-go/ircmsg"
	"golang.org/x/oauth2"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/shared/outbound"
	"irc.now/shared/program"
	"irc.now/tests/platform"
	"irc.now/tests/webclient"
)

func TestTwoPeopleTalkAndOneReadsLaterWhatWasMissed(t *testing.T) {
	ada, bob := newcomer(t), newcomer(t)
	ada.joinLocalNetwork("#talk")
	bob.joinLocalNetwork("#talk")
	hers := dial(t, ada, ada.newPassword("laptop"))
	his := dial(t, bob, bob.newPassword("laptop"))

	his.say("#talk", "hello from bob")
	hers.hears(bob.handle, "hello from bob")
	hers.say("#talk", "hello from ada")
	his.hears(ada.handle, "hello from ada")

	hers.Quit()
	<-hers.gone
	his.say("#talk", "you missed this")
	his.hearsNothingUntilPong()

	// A client that knows IRCv3 asks for what it missed.
	back := ada.connectTo(localUpstream, ada.newPassword("phone"), "batch", "server-time", "message-tags", "draft/chathistory")
	back.Send("CHATHISTORY LATEST #talk * 20")
	missed := back.Expect("PRIVMSG", "you missed this")
	if !strings.HasPrefix(missed.Source, bob.handle+"!") {
		t.Errorf("the backlog says %q wrote it", missed.Source)
	}
	if present, _ := missed.GetTag("time"); !present {
		t.Error("the backlog does not say when it was written")
	}
}

// connectTo signs an IRC client in to one network.
func (p *person) connectTo(network, password string, caps ...string) *serverstest.Client {
	p.t.Helper()
	return serverstest.SignIn(p.t, site.IRC, p.handle, p.handle+"/"+network, password, caps...)
}

// conversation is an ordinary IRC client, as irc-go makes one.
type conversation struct {
	*ircevent.Connection

	t     *testing.T
	heard chan ircmsg.Message
	pongs chan struct{}
	gone  chan struct{}
}

func dial(t *testing.T, p *person, password string) *conversation {
	t.Helper()
	c := &conversation{t: t, heard: make(chan ircmsg.Message, 64), pongs: make(chan struct{}, 8), gone: make(chan struct{})}
	c.Connection = &ircevent.Connection{
		Server: site.IRC, Nick: p.handle, User: p.handle, RealName: p.handle,
		UseSASL: true, SASLLogin: p.handle + "/" + localUpstream, SASLPassword: password,
		RequestCaps: []string{"server-time", "echo-message"}, Timeout: patience, KeepAlive: patience,
	}
	c.AddCallback("PRIVMSG", func(m ircmsg.Message) { c.heard <- m })
	c.AddCallback("PONG", func(ircmsg.Message) { c.pongs <- struct{}{} })
	if err := c.Connect(); err != nil {
		t.Fatalf("connect as %s: %v", p.handle, err)
	}
	go func() { defer close(c.gone); c.Loop() }()
	t.Cleanup(func() { c.Quit(); <-c.gone })
	return c
}

func (c *conversation) say(target, text string) {
	c.t.Helper()
	if err := c.Privmsg(target, text); err != nil {
		c.t.Fatal(err)
	}
}

// hears waits for a message of nick's.
func (c *conversation) hears(nick, text string) {
	c.t.Helper()
	limit := time.After(patience)
	for {
		select {
		case m := <-c.heard:
			if m.Nick() == nick && m.Params[len(m.Params)-1] == text {
				return
			}
		case <-limit:
			c.t.Fatalf("%q of %s does not arrive", text, nick)
		}
	}
}

// hearsNothingUntilPong waits until the server has dealt with everything that was sent.
func (c *conversation) hearsNothingUntilPong() {
	c.t.Helper()
	if err := c.Send("PING", "fence"); err != nil {
		c.t.Fatal(err)
	}
	select {
	case <-c.pongs:
	case <-time.After(patience):
		c.t.Fatal("no PONG")
	}
}

func TestAConnectionPasswordOpensOnlyItsOwnersBouncer(t *testing.T) {
	p, other := newcomer(t), newcomer(t)
	secret := p.newPassword("laptop")
	p.connect(secret)
	p.visit("/passwords").Says(http.StatusOK, "laptop")
	if words := p.visit("/passwords").Words("main"); strings.Contains(words, secret) || strings.Contains(words, "Never") {
		t.Errorf("the list shows the secret or does not know that it was used: %s", words)
	}
	for _, attempt := range []struct{ user, password, why string }{
		{other.handle, secret, "another user's name"},
		{p.handle, secret + "x", "a longer secret"},
		{p.handle, secret[:len(secret)-1], "a shorter secret"},
		{p.handle, password, "the password of the account"},
		{p.handle, "", "no password"},
		{"nobody-at-all", secret, "a name that does not exist"},
	} {
		if got := serverstest.Dial(t, site.IRC).Authenticate("x", attempt.user, attempt.password); got.Command == "001" {
			t.Errorf("%s signs in", attempt.why)
		}
	}
}

func TestARevokedPasswordFailsAndItsLiveConnectionIsClosed(t *testing.T) {
	p := newcomer(t)
	secret := p.newPassword("lost phone")
	live := p.connect(secret)
	began := time.Now()
	p.visit("/passwords").Follow("Revoke").Submit(`form[action$="/revoke"] button`, nil).Says(http.StatusOK, "no longer works")
	if got := serverstest.Dial(t, site.IRC).Authenticate(p.handle, p.handle, secret); got.Command == "001" {
		t.Error("a revoked password signs in")
	}
	live.Closed()
	t.Logf("closed %s after it was revoked, with a look every %s", time.Since(began).Round(time.Millisecond), platform.Tick)
}

func TestAnAccessTokenSignsInUntilItsOwnerSignsOut(t *testing.T) {
	p := newcomer(t)
	token := p.accessToken()
	live := bearer(t, token)
	if got := live.Await(func(m ircmsg.Message) bool { return m.Command == "001" || m.Command == "904" }); got.Command != "001" {
		t.Fatalf("OAUTHBEARER answers %s %v", got.Command, got.Params)
	}
	p.browser.Visit(site.Identity).Submit(`form[action="/sign-out"] button`, nil)
	if got := bearer(t, token).Await(func(m ircmsg.Message) bool { return m.Command == "001" || m.Command == "904" }); got.Command == "001" {
		t.Error("the token signs in after its owner has signed out")
	}
	live.Closed()
}

// bearer begins a sign-in with SASL OAUTHBEARER (RFC 7628); 001 or 904 is its outcome.
func bearer(t *testing.T, token string) *serverstest.Client {
	t.Helper()
	host, port, err := net.SplitHostPort(site.IRC)
	if err != nil {
		t.Fatal(err)
	}
	c := serverstest.Dial(t, site.IRC)
	c.Send("CAP LS 302", "NICK bearer", "USER bearer 0 * :bearer", "CAP REQ :sasl")
	c.Expect("CAP", "ACK")
	c.Send("AUTHENTICATE OAUTHBEARER")
	c.Expect("AUTHENTICATE", "+")
	c.Send("AUTHENTICATE " + base64.StdEncoding.EncodeToString(
		[]byte("n,,\x01host="+host+"\x01port="+port+"\x01auth=Bearer "+token+"\x01\x01")))
	if got := c.Await(func(m ircmsg.Message) bool { return m.Command == "903" || m.Command == "904" }); got.Command == "903" {
		c.Send("CAP END")
	} else {
		c.Send("AUTHENTICATE OAUTHBEARER") // refused again: the test awaits this one's 904
		c.Expect("AUTHENTICATE", "+")
		c.Send("AUTHENTICATE " + base64.StdEncoding.EncodeToString([]byte("n,,\x01auth=Bearer x\x01\x01")))
	}
	return c
}

// accessToken gets a token as a native IRC client does: by the system's browser, PKCE and a loopback redirect
// (RFC 8252).
func (p *person) accessToken() string {
	p.t.Helper()
	codes := make(chan string, 1)
	listener, err := new(net.ListenConfig).Listen(p.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	server := program.HTTPServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		codes <- r.URL.Query().Get("code")
	}), slog.New(slog.NewTextHandler(p.t.Output(), nil)))
	go func() { _ = server.Serve(listener) }()
	p.t.Cleanup(func() { _ = server.Close() })

	issuer := site.Identity
	client := oauth2.Config{
		ClientID: "irc", RedirectURL: "http://" + listener.Addr().String() + "/callback", Scopes: []string{"openid"},
		Endpoint: oauth2.Endpoint{AuthURL: p.endpoint(issuer, "authorization_endpoint"), TokenURL: p.endpoint(issuer, "token_endpoint")},
	}
	verifier := oauth2.GenerateVerifier()
	page := p.browser.Visit(client.AuthCodeURL("state-of-the-client", oauth2.S256ChallengeOption(verifier)))
	if page.Find(`button[value="allow"]`).Length() != 0 {
		page.Submit(`button[value="allow"]`, webclient.Fields{})
	}
	ctx := context.WithValue(p.t.Context(), oauth2.HTTPClient, outbound.Client(patience))
	select {
	case code := <-codes:
		token, err := client.Exchange(ctx, code, oauth2.VerifierOption(verifier))
		if err != nil {
			p.t.Fatal(err)
		}
		return token.AccessToken
	case <-time.After(patience):
		p.t.Fatalf("no code comes back from %s: %s", page.Address, page.Words("main"))
		return ""
	}
}

// endpoint reads one address from the provider's metadata (OpenID Connect Discovery, section 4).
func (p *person) endpoint(issuer, name string) string {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := outbound.Client(patience).Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	var metadata map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&metadata); err != nil {
		p.t.Fatal(err)
	}
	address, _ := metadata[name].(string)
	return address
}
