// Command cmd runs the whole of irc.now on this machine until it is told to stop. `make run` builds and starts it.
package main

import (
	"irc.now/longrunning/local"
	"irc.now/shared/program"
)

func main() { program.Main(local.Program()) }
