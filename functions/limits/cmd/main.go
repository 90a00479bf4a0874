// Command limits tells the bouncer of changed plans, on its own; see functions/limits for its settings.
package main

import (
	"irc.now/functions/limits"
	"irc.now/shared/function/cloudevent"
)

func main() { cloudevent.Main("limits", limits.New()) }
