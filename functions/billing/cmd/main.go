// Command billing applies what Stripe tells, on its own; see functions/billing for its settings.
package main

import (
	"irc.now/functions/billing"
	"irc.now/shared/function/cloudevent"
)

func main() { cloudevent.Main("billing", billing.New()) }
