// Package functions is the table of the platform's functions: what each is called, where and by whom it is reached, and
// what it needs. One machine, the image that holds all functions, the manifests' tests and docs/functions.md read it, so
// that a new function is one row here.
//
// It holds no logic of any function, and is imported by what puts functions together and by nothing else.
package functions

import (
	"maps"
	"slices"
	"strings"

	"irc.now/functions/admission"
	"irc.now/functions/billing"
	"irc.now/functions/deadletter"
	"irc.now/functions/introspect"
	"irc.now/functions/landing"
	"irc.now/functions/limits"
	"irc.now/functions/portal"
	"irc.now/functions/revoke"
	"irc.now/functions/stripe"
	"irc.now/shared/function"
	"irc.now/shared/function/cloudevent"
)

// Reach is who may call a function. Network policies and the ingress hold it on a cluster, ports on one machine.
type Reach string

// Who calls functions.
const (
	Public    Reach = "everybody"      // at Host, below the platform's domain
	Bouncers  Reach = "bouncers"       // dedicated ones too
	Broker    Reach = "the broker"     // by the Triggers of its name
	APIServer Reach = "the API server" // of Kubernetes
)

// Part is one function.
type Part struct {
	Name  string // of its folder, its Knative Service, its log lines and its database role
	Title string // what it is to people
	Reach Reach
	// Host is where a Public function is, as a label below the platform's domain; empty for the domain itself.
	Host string
	// Client is the OAuth client that it acts as: "" for none.
	Client string
	// Cluster marks what only a cluster has; on one machine nothing is left for it to do, or another part does it.
	Cluster bool
	New     func() function.Handler
}

// Table is all functions by name.
func Table() []Part {
	return []Part{
		{Name: "admission", Title: "may this user have this bouncer or network?", Reach: APIServer, Cluster: true,
			New: func() function.Handler { return admission.New() }},
		{Name: "billing", Title: "Stripe's events to plans", Reach: Broker,
			New: func() function.Handler { return cloudevent.Function(billing.New()) }},
		{Name: "deadletter", Title: "events that nobody took", Reach: Broker, Cluster: true,
			New: func() function.Handler { return cloudevent.Function(deadletter.New()) }},
		{Name: "introspect", Title: "whose password or token is this?", Reach: Bouncers, Client: "introspect",
			New: func() function.Handler { return introspect.New() }},
		{Name: "landing", Title: "the public site", Reach: Public,
			New: func() function.Handler { return landing.New() }},
		{Name: "limits", Title: "plans to bouncers and networks", Reach: Broker,
			New: func() function.Handler { return cloudevent.Function(limits.New()) }},
		{Name: "portal", Title: "your account", Reach: Public, Host: "my", Client: "portal",
			New: func() function.Handler { return portal.New() }},
		{Name: "revoke", Title: "ends connections whose sign-in was taken back", Reach: Broker, Client: "introspect",
			New: func() function.Handler { return cloudevent.Function(revoke.New()) }},
		{Name: "stripe", Title: "Stripe's webhooks, for programs", Reach: Public, Host: "pay",
			New: func() function.Handler { return stripe.New() }},
	}
}

// Public reports whether everybody may reach the part.
func (p Part) Public() bool { return p.Reach == Public }

// Find is the part called name.
func Find(name string) (Part, bool) {
	table := Table()
	at := slices.IndexFunc(table, func(p Part) bool { return p.Name == name })
	if at < 0 {
		return Part{}, false
	}
	return table[at], true
}

// Where are the parts of the table for which keep is true.
func Where(keep func(Part) bool) []Part {
	return slices.DeleteFunc(Table(), func(p Part) bool { return !keep(p) })
}

// Settings are the part's environment: all settings, where PORTAL__BASE_URL goes before BASE_URL for the part called
// portal. Of these a part reads what it names in its own settings (config.Load), and nothing else.
func (p Part) Settings(all map[string]string) map[string]string {
	settings := maps.Clone(all)
	for key, value := range all {
		if name, is := strings.CutPrefix(key, p.Variable("")); is {
			settings[name] = value
		}
	}
	return settings
}

// Variable is what a setting is called that is meant for this part alone.
func (p Part) Variable(name string) string {
	return strings.ToUpper(strings.ReplaceAll(p.Name, "-", "_")) + "__" + name
}
