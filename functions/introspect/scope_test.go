package introspect_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"irc.now/functions/introspect"
	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/key/keytest"
)

const introspectKey config.Secret = "the key that all secrets of bouncers come from"

// newPlatform is a world whose bouncers have derived secrets.
func newPlatform(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	w.env["INTROSPECT_KEY_FILE"] = keytest.File(t, introspectKey)
	w.url = serve(t, w.env, w.logs)
	return w
}

// of is the same world as the dedicated bouncer of owner knows it: its address, without credentials.
func (w *world) of(owner string) *world {
	scoped := *w
	scoped.url += bouncer.ScopePath(owner)
	return &scoped
}

// as asks about token under another client's name and secret.
func (w *world) as(t *testing.T, client string, secret config.Secret, token string) (answered, string) {
	t.Helper()
	r := w.request(t, token)
	r.SetBasicAuth(url.QueryEscape(client), url.QueryEscape(secret.Reveal()))
	return send(t, r)
}

func TestADedicatedBouncerHasOneUser(t *testing.T) {
	w := newPlatform(t)
	ada, _, adas := w.password(t, "ada")
	bob, _, bobs := w.password(t, "bob")
	w.idp.Accept("token-of-ada-0123456789abcdefghij", ada.Subject)
	w.idp.Accept("token-of-bob-0123456789abcdefghij", bob.Subject)
	dedicated, secret := w.of("ada"), bouncer.IntrospectSecret(introspectKey, "ada")
	for token, want := range map[string]string{adas: `"username":"ada"`, "token-of-ada-0123456789abcdefghij": `"username":"ada"`, bobs: inactive, "token-of-bob-0123456789abcdefghij": inactive, "guess-0123456789abcdefghij": inactive} {
		response, body := dedicated.as(t, bouncer.IntrospectClient("ada"), secret, token)
		if response.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%.20s: %s %s, want %s", token, response.Status, body, want)
		}
	}
	w.wantActive(t, bobs, bob) // of everybody else, nothing has changed
}

func TestASecretIsGoodForOneScope(t *testing.T) {
	w := newPlatform(t)
	_, _, adas := w.password(t, "ada")
	_, _, bobs := w.password(t, "bob")
	secret := bouncer.IntrospectSecret(introspectKey, "ada")
	shared := bouncer.IntrospectSecret(introspectKey, bouncer.Shared)
	for name, c := range map[string]struct {
		world  *world
		client string
		secret config.Secret
	}{
		"another's scope":                {w.of("bob"), bouncer.IntrospectClient("ada"), secret},
		"another's name":                 {w.of("bob"), bouncer.IntrospectClient("bob"), secret},
		"no scope":                       {w, bouncer.IntrospectClient("ada"), secret},
		"no scope, as the shared one":    {w, bouncer.Shared, secret},
		"the shared one within a scope":  {w.of("ada"), bouncer.Shared, shared},
		"a listed client within a scope": {w.of("ada"), clientName, clientSecret},
		"no secret":                      {w.of("ada"), bouncer.IntrospectClient("ada"), ""},
		"the key itself":                 {w.of("ada"), bouncer.IntrospectClient("ada"), introspectKey},
		"the secret of an empty key":     {w.of("ada"), bouncer.IntrospectClient("ada"), bouncer.IntrospectSecret("", "ada")},
		"a token for administration":     {w.of("ada"), bouncer.IntrospectClient("ada"), bouncer.AdminToken(introspectKey, "ada")},
	} {
		for _, token := range []string{adas, bobs} {
			if response, body := c.world.as(t, c.client, c.secret, token); response.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: %s %s", name, response.Status, body)
			}
		}
	}
	if response, body := w.as(t, bouncer.Shared, shared, bobs); response.StatusCode != http.StatusOK || !strings.Contains(body, `"username":"bob"`) {
		t.Errorf("the shared bouncer: %s %s", response.Status, body)
	}
}

func TestMetadataOfAScope(t *testing.T) {
	w := newPlatform(t)
	for _, owner := range []string{"ada", "a/b", `"x`} {
		_, body := send(t, get(t, w.url+"/.well-known/oauth-authorization-server"+bouncer.ScopePath(owner)))
		var got struct {
			Issuer   string `json:"issuer"`
			Endpoint string `json:"introspection_endpoint"`
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		if got.Issuer != w.url+bouncer.ScopePath(owner) || got.Endpoint != got.Issuer+"/introspect" {
			t.Errorf("metadata of %s = %+v", owner, got)
		}
	}
}

func TestWithoutAKeyThereAreNoScopes(t *testing.T) {
	w := newWorld(t)
	w.user(t, "ada")
	if response, _ := send(t, get(t, w.url+"/.well-known/oauth-authorization-server"+bouncer.ScopePath("ada"))); response.StatusCode != http.StatusNotFound {
		t.Errorf("metadata: %s", response.Status)
	}
	if response, _ := w.of("ada").as(t, bouncer.IntrospectClient("ada"), "", "token"); response.StatusCode != http.StatusNotFound {
		t.Errorf("introspection: %s", response.Status)
	}
	if response, _ := w.as(t, bouncer.Shared, "", "token"); response.StatusCode != http.StatusUnauthorized {
		t.Errorf("the shared bouncer without a secret: %s", response.Status)
	}
	env := environment("postgres://h/d", "http://idp.example")
	env["INTROSPECT_KEY_FILE"] = keytest.File(t, "short")
	if err := introspect.New().Start(t.Context(), env); err == nil || !strings.Contains(err.Error(), "INTROSPECT_KEY_FILE must") {
		t.Errorf("a short key: %v", err)
	}
}

// The real soju, configured as the dedicated bouncer of ada, lets in ada and nobody else.
func TestTheRealSojuOfOneUserLetsInNobodyElse(t *testing.T) {
	w := newPlatform(t)
	_, _, adas := w.password(t, "ada")
	_, _, bobs := w.password(t, "bob")
	address, err := url.Parse(w.of("ada").url)
	if err != nil {
		t.Fatal(err)
	}
	address.User = url.UserPassword(bouncer.IntrospectClient("ada"), bouncer.IntrospectSecret(introspectKey, "ada").Reveal())
	dedicated := serverstest.Soju(t, func(c *bouncer.Config) { c.OAuthURL = config.Secret(address.String()) })
	address, err = url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	address.User = url.UserPassword(bouncer.Shared, bouncer.IntrospectSecret(introspectKey, bouncer.Shared).Reveal())
	shared := serverstest.Soju(t, func(c *bouncer.Config) { c.OAuthURL = config.Secret(address.String()) })
	for _, c := range []struct {
		soju           serverstest.SojuServer
		user, password string
		in             bool
	}{
		{dedicated, "ada", adas, true}, {dedicated, "bob", bobs, false}, {dedicated, "ada", bobs, false}, {dedicated, "bob", adas, false},
		{shared, "ada", adas, true}, {shared, "bob", bobs, true},
	} {
		got := serverstest.Dial(t, c.soju.Address).Authenticate(c.user, c.user, c.password).Command
		if (got == "001") != c.in {
			t.Errorf("%s at %s: %s, want in: %v", c.user, c.soju.Address, got, c.in)
		}
	}
}
