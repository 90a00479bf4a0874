// Deadletter keeps events that no subscriber took. See the settings in package deadletter for its environment.
package main

import (
	"irc.now/functions/deadletter"
	"irc.now/shared/function/cloudevent"
)

func main() { cloudevent.Main("deadletter", deadletter.New()) }
