// Command stripe serves Stripe's webhooks on its own; see functions/stripe for its settings.
package main

import (
	"irc.now/functions/stripe"
	"irc.now/shared/function"
)

func main() { function.Main("stripe", stripe.New()) }
