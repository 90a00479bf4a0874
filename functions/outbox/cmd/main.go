// Command outbox sends what waits in the outboxes of databases; see functions/outbox for its settings.
package main

import (
	"irc.now/functions/outbox"
	"irc.now/shared/function/cloudevent"
)

func main() { cloudevent.Main("outbox", outbox.New()) }
