// Command outbox sends what waits in the outboxes of databases; see functions/outbox for its settings.
package main

import (
	"irc.now/functions/outbox"
	"irc.now/shared/function"
	"irc.now/shared/function/cloudevent"
)

func main() { function.Main("outbox", cloudevent.Function(outbox.New())) }
