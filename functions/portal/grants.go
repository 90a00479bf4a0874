package portal

import (
	"irc.now/shared/auth"
	"irc.now/shared/event/outbox"
	"irc.now/shared/store"
)

// Grants are what the portal does in the accounts database: accounts and passwords are made here, and a customer is
// linked; what was bought is not written here.
var Grants = []store.Grant{
	{Table: "account", May: "SELECT, INSERT (subject, email, created_at), UPDATE (email, handle, signed_out_at)"},
	{Table: "connection_password", May: "SELECT, INSERT, UPDATE (revoked_at)"},
	{Table: "accepted_token", May: "SELECT (account_id, dead_at), UPDATE (dead_at)"},
	{Table: "billing", May: "SELECT, INSERT (account_id, customer_id, updated_at), UPDATE (customer_id, former_customers, updated_at)"},
	{Table: "reversal", May: "SELECT"},
	auth.Sessions, outbox.Writer, outbox.Relayer,
}
