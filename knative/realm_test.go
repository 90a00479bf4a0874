package knative_test

import (
	"os"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"

	"irc.now/shared/auth"
)

type realm struct {
	Realm   string
	Clients []realmClient
}

type realmClient struct {
	ClientID     string
	PublicClient bool
	RedirectURIs []string
	WebOrigins   []string
	Attributes   map[string]string
}

// The realm for Keycloak is for the clients, hosts and paths that the programs are given and serve.
func TestTheRealmHasTheClientsOfTheManifests(t *testing.T) {
	content, err := os.ReadFile("keycloak/realm.json")
	if err != nil {
		t.Fatal(err)
	}
	var r realm
	if err := yaml.Unmarshal(content, &r); err != nil {
		t.Fatal(err)
	}
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
			if !client.PublicClient || !slices.Equal(client.RedirectURIs, []string{"https://chat." + domain + "/"}) || !slices.Equal(client.WebOrigins, []string{"https://chat." + domain}) {
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
