package debian

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mirrors lists the package mirrors that this machine already trusts for its own packages, first the
// likeliest. We name no host ourselves.
func mirrors(root string) []string {
	var found []string
	files, _ := filepath.Glob(filepath.Join(root, "etc/apt/sources.list.d/*.sources"))
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil {
			found = append(found, stanzaMirrors(text)...)
		}
	}
	files, _ = filepath.Glob(filepath.Join(root, "etc/apt/sources.list.d/*.list"))
	for _, file := range append([]string{filepath.Join(root, "etc/apt/sources.list")}, files...) {
		if text, err := os.ReadFile(file); err == nil {
			found = append(found, lineMirrors(text)...)
		}
	}
	slices.SortStableFunc(found, func(a, b string) int { return rank(a) - rank(b) })
	return slices.Compact(found)
}

// rank puts what looks like Debian's archive before other vendors' repositories. A wrong guess costs a
// failed try: their signatures do not pass.
func rank(mirror string) int {
	if strings.HasSuffix(strings.TrimRight(mirror, "/"), "/debian") {
		return 0
	}
	return 1
}

// stanzaMirrors reads deb822 sources (sources.list(5)).
func stanzaMirrors(text []byte) []string {
	var found []string
	for stanza := range bytes.SplitSeq(text, []byte("\n\n")) {
		fields := stanzaFields(stanza)
		if strings.EqualFold(fields["enabled"], "no") || !hasWord(fields["types"], "deb") ||
			!hasWord(fields["components"], "main") || !mainSuites(strings.Fields(fields["suites"])) {
			continue
		}
		found = append(found, strings.Fields(fields["uris"])...)
	}
	return found
}

// stanzaFields joins continuation lines and drops comments; field names come back in lower case.
func stanzaFields(stanza []byte) map[string]string {
	fields, last := map[string]string{}, ""
	scanner := bufio.NewScanner(bytes.NewReader(stanza))
	for scanner.Scan() {
		line := scanner.Text()
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t"):
			fields[last] += " " + strings.TrimSpace(line)
		default:
			name, value, _ := strings.Cut(line, ":")
			last = strings.ToLower(strings.TrimSpace(name))
			fields[last] = strings.TrimSpace(value)
		}
	}
	return fields
}

// lineMirrors reads one-line sources: deb [options] uri suite component…
func lineMirrors(text []byte) []string {
	var found []string
	scanner := bufio.NewScanner(bytes.NewReader(text))
	for scanner.Scan() {
		line, _, _ := strings.Cut(scanner.Text(), "#")
		if _, options, bracket := strings.Cut(line, "["); bracket {
			_, rest, _ := strings.Cut(options, "]")
			line = strings.Fields(line)[0] + " " + rest
		}
		words := strings.Fields(line)
		if len(words) >= 4 && words[0] == "deb" && mainSuites(words[2:3]) && slices.Contains(words[3:], "main") {
			found = append(found, words[1])
		}
	}
	return found
}

func hasWord(text, word string) bool { return slices.Contains(strings.Fields(text), word) }

// mainSuites tells a release's own archive from its security archive, which has no other release's packages.
func mainSuites(suites []string) bool {
	return slices.ContainsFunc(suites, func(suite string) bool {
		return !strings.Contains(suite, "security") && !strings.HasSuffix(suite, "/updates") && !strings.HasSuffix(suite, "/")
	})
}
