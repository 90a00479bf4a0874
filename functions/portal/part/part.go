// Package part holds the parts of pages that more than one area of the portal shows: their templates, and the data that
// goes into them.
package part

import (
	"embed"
	"io/fs"
)

//go:embed pages/*.html
var files embed.FS

// Templates holds the parts in a folder called pages; every area's pages can use them.
func Templates() fs.FS { return files }
