// Command bounceradmin serves the admin API of the soju it runs beside; see longrunning/bounceradmin for its settings.
package main

import (
	"irc.now/longrunning/bounceradmin"
	"irc.now/shared/program"
)

func main() { program.Main(bounceradmin.Program()) }
