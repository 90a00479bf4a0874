package deploy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// copied is a line of a Dockerfile that takes files from the repository, not from another stage.
var copied = regexp.MustCompile(`(?m)^(?:COPY|ADD) ([^-\s].*) \S+$`)

// tagBytes is how much of a checksum is enough to tell images of one kind apart.
const tagBytes = 6

// Tag is the tag of the image of longrunning/<folder>: a checksum of its Dockerfile and of the files which that takes
// from the repository, whose root folder is root.
func Tag(root, folder string) (string, error) {
	dockerfile := filepath.Join("longrunning", folder, "Dockerfile")
	content, err := os.ReadFile(filepath.Join(root, dockerfile)) //nolint:gosec // below the repository
	if err != nil {
		return "", fmt.Errorf("read how %s is built: %w", folder, err)
	}
	var files []string
	for _, line := range copied.FindAllStringSubmatch(string(content), -1) {
		files = append(files, strings.Fields(line[1])...)
	}
	slices.Sort(files)
	sum := sha256.New()
	for _, file := range append([]string{dockerfile}, files...) {
		content, err := os.ReadFile(filepath.Join(root, file)) //nolint:gosec // as above
		if err != nil {
			return "", fmt.Errorf("read what %s is built of: %w", folder, err)
		}
		fmt.Fprintf(sum, "%s %d\n%s", file, len(content), content)
	}
	return hex.EncodeToString(sum.Sum(nil)[:tagBytes]), nil
}
