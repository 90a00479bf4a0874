// Revoke closes the connections of dead credentials at each tick. See the settings in package revoke for its
// environment.
package main

import (
	"irc.now/functions/revoke"
	"irc.now/shared/function/cloudevent"
)

func main() { cloudevent.Main("revoke", revoke.New()) }
