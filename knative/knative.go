// Package knative holds what is applied to a cluster, for programs that must agree with it: the broker of the
// one-machine platform routes by the same Triggers.
package knative

import (
	"embed"
	"io/fs"
)

//go:embed base
var files embed.FS

// Base is the folder base: the manifests that every cluster gets.
func Base() fs.FS {
	base, err := fs.Sub(files, "base")
	if err != nil {
		panic(err) // "base" is a valid path
	}
	return base
}
