// Command schema brings the databases of a release up to date; see longrunning/schema for its settings.
package main

import (
	"irc.now/functions"
	"irc.now/longrunning/schema"
	"irc.now/shared/program"
)

func main() { program.Main(schema.Program(functions.Databases())) }
