package knative_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"irc.now/shared/auth"
)

type realm struct {
	Realm   string
	Clients []realmClient

	SSOSessionIdleTimeout, SSOSessionMaxLifespan int // seconds

	VerifyEmail, RegistrationAllowed, RegistrationEmailAsUsername    bool
	EventsEnabled, AdminEventsEnabled, AdminEventsDetailsEnabled     bool
	EventsExpiration                                                 int // seconds
	EnabledEventTypes                                                []string
	SMTPServer, Attributes                                           map[string]string
	Components                                                       map[string][]component
	RequiredActions, ClientScopes, DefaultDefaultClientScopes, Roles any
}

type component struct {
	ProviderID string
	Config     map[string][]string
}

type realmClient struct {
	ClientID         string
	PublicClient     bool
	FullScopeAllowed *bool
	Secret           string
	RedirectURIs     []string
	WebOrigins       []string
	Attributes       map[string]string
	ProtocolMappers  []struct {
		ProtocolMapper string
		Config         map[string]string
	}
}

func readRealm(t *testing.T) realm {
	t.Helper()
	content, err := os.ReadFile("keycloak/realm.json")
	if err != nil {
		t.Fatal(err)
	}
	var r realm
	if err := yaml.Unmarshal(content, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// The realm for Keycloak is for the clients, hosts and paths that the programs are given and serve.
func TestTheRealmHasTheClientsOfTheManifests(t *testing.T) {
	r := readRealm(t)
	objects := rendered(t, "generic")
	domain := domainOf(t, objects)
	used := map[string]bool{}
	for _, object := range objects {
		for _, container := range containersOf(object) {
			set := environment(container)
			for _, name := range []string{"OIDC_CLIENT_ID", "CHAT_CLIENT_ID"} {
				if id := word(set[name], "value"); id != "" {
					used[id] = true
				}
			}
			if issuer := word(set["OIDC_ISSUER"], "value"); issuer != "" && issuer != "https://auth."+domain+"/realms/"+r.Realm {
				t.Errorf("%s asks %s", object, issuer)
			}
		}
	}
	for _, client := range r.Clients {
		if !used[client.ClientID] {
			t.Errorf("nothing uses the client %s", client.ClientID)
		}
		delete(used, client.ClientID)
		switch client.ClientID {
		case "portal":
			site := "https://my." + domain
			if !slices.Equal(client.RedirectURIs, []string{site + auth.CallbackPath}) || client.Attributes["post.logout.redirect.uris"] != site+"/" {
				t.Errorf("the portal is sent back to %q and %q", client.RedirectURIs, client.Attributes)
			}
		case "chat":
			if !client.PublicClient || !slices.Equal(client.RedirectURIs, []string{"https://chat." + domain + "/*"}) || !slices.Equal(client.WebOrigins, []string{"https://chat." + domain}) {
				t.Errorf("web chat is sent back to %q from %q", client.RedirectURIs, client.WebOrigins)
			}
		case "introspect":
			if client.PublicClient || len(client.RedirectURIs) > 0 {
				t.Error("introspection needs no browser, and a secret")
			}
		}
	}
	for id := range used {
		t.Errorf("the realm has no client %s", id)
	}
}

// Keycloak 26.7 calls a token inactive whose audience is not the client that asks, adds to the answer what gamja takes for
// part of its own address, matches redirects letter for letter but for a "*" at the end, and makes tokens that end with the
// session. Each was tried with the real one.
func TestTokensOfTheRealmOpenABouncer(t *testing.T) {
	r := readRealm(t)
	at := slices.IndexFunc(r.Clients, func(c realmClient) bool { return c.ClientID == "chat" })
	if at < 0 {
		t.Fatal("there is no web chat")
	}
	chat := r.Clients[at]
	audience := ""
	for _, mapper := range chat.ProtocolMappers {
		if mapper.ProtocolMapper == "oidc-audience-mapper" && mapper.Config["access.token.claim"] == "true" {
			audience = mapper.Config["included.client.audience"]
		}
	}
	if audience != "introspect" {
		t.Errorf("tokens are for %q, and introspection may not ask about them", audience)
	}
	for _, added := range []string{"exclude.session.state.from.auth.response", "exclude.issuer.from.auth.response"} {
		if chat.Attributes[added] != "true" {
			t.Errorf("%s is %q: gamja repeats what was added as its redirect_uri", added, chat.Attributes[added])
		}
	}
	lifespan, err := strconv.Atoi(chat.Attributes["access.token.lifespan"])
	if err != nil || lifespan < 12*60*60 || r.SSOSessionIdleTimeout < lifespan || r.SSOSessionMaxLifespan < r.SSOSessionIdleTimeout {
		t.Errorf("a token is for %d seconds of a session that ends after %d unused and %d in any case (%v)",
			lifespan, r.SSOSessionIdleTimeout, r.SSOSessionMaxLifespan, err)
	}
	for _, client := range r.Clients {
		if client.FullScopeAllowed == nil || *client.FullScopeAllowed {
			t.Errorf("tokens of %s carry all roles of their user", client.ClientID)
		}
		if client.Secret != "" {
			t.Errorf("the secret of %s is in the repository", client.ClientID)
		}
		for _, target := range client.RedirectURIs {
			host, path, _ := strings.Cut(strings.TrimPrefix(target, "https://"), "/")
			if strings.Contains(host, "*") || strings.Contains(strings.TrimSuffix(path, "*"), "*") || host == "" {
				t.Errorf("%s redirects to %s, which matches nothing, or everything", client.ClientID, target)
			}
		}
	}
}

func TestPeopleCanSignUpInTheRealm(t *testing.T) {
	r := readRealm(t)
	if !r.RegistrationAllowed || !r.RegistrationEmailAsUsername || !r.VerifyEmail {
		t.Error("signing up takes more than an e-mail address, or less than a real one")
	}
	for _, setting := range []string{"host", "port", "from", "starttls", "auth", "user", "password"} {
		if want := "${SMTP_" + strings.ToUpper(setting) + "}"; r.SMTPServer[setting] != want {
			t.Errorf("without %s of a mail server (%q), signing up ends in a fault", setting, r.SMTPServer[setting])
		}
	}
	var profile struct{ Attributes []struct{ Name string } }
	components := r.Components["org.keycloak.userprofile.UserProfileProvider"]
	if len(components) != 1 || components[0].ProviderID != "declarative-user-profile" || len(components[0].Config["kc.user.profile.config"]) != 1 {
		t.Fatalf("components: %+v", components)
	}
	if err := yaml.Unmarshal([]byte(components[0].Config["kc.user.profile.config"][0]), &profile); err != nil {
		t.Fatal(err)
	}
	if len(profile.Attributes) != 2 || profile.Attributes[0].Name != "username" || profile.Attributes[1].Name != "email" {
		t.Errorf("people are asked for %+v", profile.Attributes)
	}
	if r.RequiredActions != nil || r.ClientScopes != nil || r.DefaultDefaultClientScopes != nil || r.Roles != nil {
		t.Error("a list that Keycloak fills by itself is taken as it stands, and lacks what it does not name")
	}
}

func TestTheRealmRemembersWhatHappened(t *testing.T) {
	r := readRealm(t)
	if !r.EventsEnabled || !r.AdminEventsEnabled || !r.AdminEventsDetailsEnabled || r.EventsExpiration <= 0 || r.Attributes["adminEventsExpiration"] != strconv.Itoa(r.EventsExpiration) {
		t.Errorf("events are not kept, or for ever: %d, %v", r.EventsExpiration, r.Attributes)
	}
	for _, kind := range []string{"REGISTER", "LOGIN", "LOGIN_ERROR", "UPDATE_PROFILE", "UPDATE_EMAIL", "UPDATE_CREDENTIAL", "DELETE_ACCOUNT"} {
		if !slices.Contains(r.EnabledEventTypes, kind) {
			t.Errorf("%s is not kept", kind)
		}
	}
}
