// Landing serves the public site. See the settings in package landing for its environment.
package main

import (
	"irc.now/functions/landing"
	"irc.now/shared/function"
)

func main() { function.Main("landing", landing.New()) }
