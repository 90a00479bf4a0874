// Command reserve writes what shared/reserved says into the rules on names in the Go files that it is given, which the
// schemas of custom resources are made of. `go generate ./operators/api/v1alpha1` runs it.
package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"irc.now/shared/reserved"
)

func main() {
	for _, file := range os.Args[1:] {
		if err := rewrite(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func rewrite(file string) error {
	text, err := os.ReadFile(file) //nolint:gosec // the directive of go generate names it
	if err != nil {
		return err
	}
	text, err = written(text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, text, 0o600) //nolint:gosec // the same file, which keeps its mode
}

// rules find a list in a marker, each between what comes before and after it.
var rules = []struct {
	list func() []string
	find *regexp.Regexp
}{
	{reserved.Names, regexp.MustCompile(`(self\.metadata\.name in \[)[^\]]*(\])`)},
	{reserved.Prefixes, regexp.MustCompile(`(\[)[^\]]*(\]\.exists\(p, self\.metadata\.name\.startsWith\(p\)\))`)},
	{reserved.Suffixes, regexp.MustCompile(`(\[)[^\]]*(\]\.exists\(s, self\.metadata\.name\.endsWith\(s\)\))`)},
}

// written is text with the present lists in its rules, of which it must have one each.
func written(text []byte) ([]byte, error) {
	for _, rule := range rules {
		if found := rule.find.FindAll(text, -1); len(found) != 1 {
			return nil, fmt.Errorf("there are %d rules like %s, want one", len(found), rule.find)
		}
		text = rule.find.ReplaceAll(text, []byte("${1}'"+strings.Join(rule.list(), "', '")+"'${2}"))
	}
	return text, nil
}
