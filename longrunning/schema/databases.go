package schema

import (
	"irc.now/functions/admission"
	"irc.now/functions/billing"
	"irc.now/functions/deadletter"
	"irc.now/functions/introspect"
	"irc.now/functions/limits"
	"irc.now/functions/portal"
	"irc.now/functions/revoke"
	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/event/inbox"
	"irc.now/shared/event/outbox"
	"irc.now/shared/store"

	sender "irc.now/functions/outbox"
)

// Platform is what this release wants its databases to be.
func Platform() []store.Schema {
	return []store.Schema{{
		Name: "accounts",
		Sets: []store.Set{account.Migrations, auth.Migrations, outbox.Migrations, inbox.Migrations, deadletter.Migrations},
		Roles: map[string][]store.Grant{
			"admission": admission.Grants, "billing": billing.Grants, "deadletter": deadletter.Grants,
			"introspect": introspect.Grants, "limits": limits.Grants, "outbox": sender.Grants,
			"portal": portal.Grants, "revoke": revoke.Grants,
		},
	}}
}
