// Command billing applies what Stripe tells, on its own; see functions/billing for its settings.
package main

import (
	"irc.now/functions/billing"
	"irc.now/shared/function"
)

func main() { function.Main("billing", billing.New()) }
