// Admission decides who may have which bouncers and networks in the cluster. See the settings in package admission for
// its environment.
package main

import (
	"irc.now/functions/admission"
	"irc.now/shared/function"
)

func main() { function.Main("admission", admission.New()) }
