// Package functions is the table of the platform's functions: what each is called, where and by whom it is reached, and
// what it needs. One machine, the image that holds all functions, the manifests' tests and docs/settings.md read it, so
// that a new function is one row here.
//
// It holds no logic of any function, and is imported by what puts functions together and by nothing else.
package functions

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"irc.now/functions/admission"
	"irc.now/functions/billing"
	"irc.now/functions/deadletter"
	"irc.now/functions/introspect"
	"irc.now/functions/landing"
	"irc.now/functions/limits"
	"irc.now/functions/outbox"
	"irc.now/functions/portal"
	"irc.now/functions/revoke"
	"irc.now/functions/stripe"
	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/event/inbox"
	"irc.now/shared/function"
	"irc.now/shared/function/cloudevent"
	"irc.now/shared/store"

	queue "irc.now/shared/event/outbox"
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
	Uses    []Use // of databases
}

// Database is one that functions use, and the migration sets of all of its tables.
type Database struct {
	Name string
	Sets []store.Set
}

// Use is a database and what a function does in it, which is what its role there may do.
type Use struct {
	Database Database
	Grants   []store.Grant
}

// accounts is the database of users, of what they have bought, and of the events about both.
var accounts = Database{"accounts", []store.Set{
	account.Migrations, auth.Migrations, queue.Migrations, inbox.Migrations, deadletter.Migrations,
}}

// Table is all functions by name.
func Table() []Part {
	return []Part{
		{Name: "admission", Title: "may this user have this bouncer or network?", Reach: APIServer, Cluster: true,
			New:  func() function.Handler { return admission.New() },
			Uses: []Use{{accounts, admission.Grants}}},
		{Name: "billing", Title: "Stripe's events to plans", Reach: Broker,
			New:  func() function.Handler { return cloudevent.Function(billing.New()) },
			Uses: []Use{{accounts, billing.Grants}}},
		{Name: "deadletter", Title: "events that nobody took", Reach: Broker, Cluster: true,
			New:  func() function.Handler { return cloudevent.Function(deadletter.New()) },
			Uses: []Use{{accounts, deadletter.Grants}}},
		{Name: "introspect", Title: "whose password or token is this?", Reach: Bouncers, Client: "introspect",
			New:  func() function.Handler { return introspect.New() },
			Uses: []Use{{accounts, introspect.Grants}}},
		{Name: "landing", Title: "the public site", Reach: Public,
			New: func() function.Handler { return landing.New() }},
		{Name: "limits", Title: "plans to bouncers and networks", Reach: Broker,
			New:  func() function.Handler { return cloudevent.Function(limits.New()) },
			Uses: []Use{{accounts, limits.Grants}}},
		{Name: sender, Title: "sends what a crash left unsent", Reach: Broker,
			New: func() function.Handler { return cloudevent.Function(outbox.New()) }}, // see Databases
		{Name: "portal", Title: "your account", Reach: Public, Host: "my", Client: "portal",
			New:  func() function.Handler { return portal.New() },
			Uses: []Use{{accounts, portal.Grants}}},
		{Name: "revoke", Title: "ends connections whose sign-in was taken back", Reach: Broker, Client: "introspect",
			New:  func() function.Handler { return cloudevent.Function(revoke.New()) },
			Uses: []Use{{accounts, revoke.Grants}}},
		{Name: "stripe", Title: "Stripe's webhooks, for programs", Reach: Public, Host: "pay",
			New: func() function.Handler { return stripe.New() }},
	}
}

// sender is the part that sends what is left in outboxes.
const sender = "outbox"

// Databases is what a release wants all databases of functions to be, by name: the sets and the roles that the table's
// uses of them say. Each that has an outbox is used by the part that sends what is left in outboxes.
func Databases() []store.Schema {
	schemas := map[string]store.Schema{}
	for _, part := range Table() {
		for _, use := range part.Uses {
			schema, known := schemas[use.Database.Name]
			if !known {
				schema = store.Schema{Name: use.Database.Name, Sets: use.Database.Sets, Roles: map[string][]store.Grant{}}
				schemas[schema.Name] = schema
			}
			schema.Roles[part.Name] = use.Grants
			if hasOutbox(use.Database) {
				schema.Roles[sender] = outbox.Grants
			}
		}
	}
	return slices.SortedFunc(maps.Values(schemas), func(a, b store.Schema) int { return strings.Compare(a.Name, b.Name) })
}

func hasOutbox(d Database) bool {
	return slices.ContainsFunc(d.Sets, func(s store.Set) bool { return s.Name == queue.Migrations.Name })
}

// Addresses are the settings with which a part finds its databases, when url says where one is for the part's role.
func (p Part) Addresses(url func(database string) string) map[string]string {
	settings := map[string]string{}
	for _, use := range p.Uses {
		settings[strings.ToUpper(use.Database.Name)+"_DATABASE_URL"] = url(use.Database.Name)
	}
	if p.Name == sender {
		var list []string
		for _, schema := range Databases() {
			if _, sends := schema.Roles[sender]; sends {
				list = append(list, schema.Name+"="+url(schema.Name))
			}
		}
		settings["OUTBOX_DATABASE_URLS"] = strings.Join(list, ",")
	}
	return settings
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

// About says in Markdown what the part called name is, by whom and where it is reached, and what it may do in which
// database; nothing where there is no such part.
func About(name string) string {
	part, known := Find(name)
	if !known {
		return ""
	}
	var text strings.Builder
	text.WriteString(strings.ToUpper(part.Title[:1]) + part.Title[1:])
	if !strings.HasSuffix(part.Title, "?") {
		text.WriteString(".")
	}
	fmt.Fprintf(&text, " It is reached by %s", part.Reach)
	if part.Public() {
		fmt.Fprintf(&text, ", at `%s`", strings.TrimPrefix(part.Host+".DOMAIN", "."))
	}
	text.WriteString(".\n")
	before := "\n"
	for _, schema := range Databases() {
		for _, grant := range schema.Roles[name] {
			fmt.Fprintf(&text, "%s- `%s`, table `%s`: %s\n", before, schema.Name, grant.Table, grant.May)
			before = ""
		}
	}
	return text.String()
}
