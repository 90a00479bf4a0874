// Package knative holds what is applied to a cluster, for programs that must agree with it: the broker of the
// one-machine platform routes by the same Triggers.
package knative

import (
	"embed"
	"io/fs"
)

//go:embed base/broker.yaml base/sources base/triggers
var files embed.FS

// Base is what the folder base says of events: the broker, its triggers and its sources.
func Base() fs.FS {
	base, err := fs.Sub(files, "base")
	if err != nil {
		panic(err) // "base" is a valid path
	}
	return base
}
