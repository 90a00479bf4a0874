package event

//go:generate go run ./generate

// Entry describes one type of event, for docs/events.md.
type Entry struct {
	Type    string // as people write it: a family of types has a placeholder
	Source  string
	Example Payload
}

// Catalogue lists every type of event that our programs publish.
func Catalogue() []Entry {
	const account, customer = "0c2d6f6e-5b0e-4c55-9d6f-0f6f3f1f2a10", "cus_PqX1aB2cD3eF4g"
	return []Entry{
		{SignedUpType, SourceAccounts, SignedUp{Account: account}},
		{PlanChangedType, SourceAccounts, PlanChanged{Account: account, From: "free", To: "pro"}},
		{GraceEndedType, SourceAccounts, GraceEnded{Account: account}},
		{SyncRequestedType, SourceAccounts, SyncRequested{Account: account}},
		{StripePrefix + "<Stripe's type>", SourceStripe(""), StripeNotice{
			Kind: "customer.subscription.updated", Object: "subscription", ObjectID: "sub_1NkQ2b",
			Customer: customer, Subscription: "sub_1NkQ2b",
		}},
	}
}
