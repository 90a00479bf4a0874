// Package function is the request-shaped work of irc.now as one Knative function: all public functions by host name, or
// the one that FUNCTION names. `func deploy` in this folder builds it (see func.yaml), one image for a small installation
// instead of one for each function; longrunning/local serves the same value.
//
// docs/settings.md says which functions there are, and which variables they read.
package function

import (
	"os"

	"irc.now/functions"
	"irc.now/shared/telemetry"
)

// New is what Knative's func calls. What it returns is configured by its Start.
func New() *functions.Hosted {
	return functions.NewHosted(telemetry.NewLogger(os.Stderr, "irc.now", telemetry.Level(os.Getenv("LOG_LEVEL"))))
}
