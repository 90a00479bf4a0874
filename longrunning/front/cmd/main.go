// Command front is what IRC clients reach of the soju that it runs beside; see longrunning/front for its settings.
package main

import (
	"irc.now/longrunning/front"
	"irc.now/shared/program"
)

func main() { program.Main(front.Program()) }
