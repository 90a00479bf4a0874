// Command limits makes true what plans allow; see functions/limits for its settings.
package main

import (
	"irc.now/functions/limits"
	"irc.now/shared/function/cloudevent"
)

func main() { cloudevent.Main("limits", limits.New()) }
