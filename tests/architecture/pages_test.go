package architecture_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"irc.now/shared/design"
)

// Pages are parsed when they are first shown: this finds the mistakes of all of them before that.
func TestEveryPageParses(t *testing.T) {
	sites := 0
	err := filepath.WalkDir(root(t), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || !d.IsDir():
			return err
		case d.Name() == "node_modules" || strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case d.Name() != "pages":
			return nil
		}
		sites++
		pages, err := design.New(design.Site{}, os.DirFS(filepath.Dir(path)), "pages")
		if err != nil {
			return err
		}
		return pages.Parse()
	})
	if err != nil {
		t.Error(err)
	}
	if sites < 3 {
		t.Errorf("found the pages of %d sites only", sites)
	}
}
