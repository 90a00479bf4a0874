// Package fragment holds the fragments of pages that more than one area of the portal shows: their templates, and the data that
// goes into them.
package fragment

import (
	"embed"
	"io/fs"
)

//go:embed pages/*.html
var files embed.FS

// Templates holds the fragments in a folder called pages; every area's pages can use them.
func Templates() fs.FS { return files }
