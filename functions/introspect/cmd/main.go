// Introspect tells bouncers who somebody is. See the settings in package introspect for its environment.
package main

import (
	"irc.now/functions/introspect"
	"irc.now/shared/function"
)

func main() { function.Main("introspect", introspect.New()) }
