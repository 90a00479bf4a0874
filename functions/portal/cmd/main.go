// Command portal serves the portal on its own; see functions/portal for its settings.
package main

import (
	"irc.now/functions/portal"
	"irc.now/shared/function"
)

func main() { function.Main("portal", portal.New()) }
