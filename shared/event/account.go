package event

// SourceAccounts is the source of facts about accounts.
const SourceAccounts = "/accounts"

// SignedUp says that somebody signed in for the first time and has an account now.
type SignedUp struct {
	// The account's id, a UUID.
	Account string `json:"account" jsonschema:"format=uuid"`
}

// SignedUpType is the type of SignedUp.
const SignedUpType = "now.irc.account.signed-up"

// Type implements Payload.
func (SignedUp) Type() string { return SignedUpType }

// Subject is the account.
func (p SignedUp) Subject() string { return p.Account }

// Validate says what is missing.
func (p SignedUp) Validate() error { return present("account", p.Account) }

// PlanChanged says that what an account pays for is something else than before: its plan, the hosting of its networks
// or its add-ons. Whoever acts on it asks for the account's present entitlements: a later change may have overtaken this
// event.
type PlanChanged struct {
	// The account's id, a UUID.
	Account string `json:"account" jsonschema:"format=uuid"`
	// The plan until now, such as "free".
	From string `json:"from"`
	// The plan from now on, such as "pro"; the same as before where only hosting or add-ons are others.
	To string `json:"to"`
}

// PlanChangedType is the type of PlanChanged.
const PlanChangedType = "now.irc.account.plan-changed"

// Type implements Payload.
func (PlanChanged) Type() string { return PlanChangedType }

// Subject is the account.
func (p PlanChanged) Subject() string { return p.Account }

// Validate says what is missing.
func (p PlanChanged) Validate() error {
	return present("account", p.Account, "from", p.From, "to", p.To)
}

// GraceEnded says that the time is over for which a downgrade left things as they were. Whoever acts on it asks for the
// account's present entitlements, and whether its grace is still over: the account may pay again by now.
type GraceEnded struct {
	// The account's id, a UUID.
	Account string `json:"account" jsonschema:"format=uuid"`
}

// GraceEndedType is the type of GraceEnded.
const GraceEndedType = "now.irc.account.grace-ended"

// Type implements Payload.
func (GraceEnded) Type() string { return GraceEndedType }

// Subject is the account.
func (p GraceEnded) Subject() string { return p.Account }

// Validate says what is missing.
func (p GraceEnded) Validate() error { return present("account", p.Account) }

// SyncRequested says that an account may have something else at Stripe than we know: it has ordered something, comes back
// from paying, or is another customer of Stripe's than before. Whoever acts on it asks Stripe for the present state.
type SyncRequested struct {
	// The account's id, a UUID.
	Account string `json:"account" jsonschema:"format=uuid"`
}

// SyncRequestedType is the type of SyncRequested.
const SyncRequestedType = "now.irc.account.sync-requested"

// Type implements Payload.
func (SyncRequested) Type() string { return SyncRequestedType }

// Subject is the account.
func (p SyncRequested) Subject() string { return p.Account }

// Validate says what is missing.
func (p SyncRequested) Validate() error { return present("account", p.Account) }
