// Command operator makes of every SojuBouncer and ErgoNetwork what it describes; see operators/operator for its settings.
package main

import (
	"irc.now/operators/operator"
	"irc.now/shared/program"
)

// version is set by the linker: -X main.version=1.2.3.
var version = "dev"

func main() { program.Main(operator.Program(version)) }
