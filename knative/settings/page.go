package settings

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Target is the page that lists all settings, below the root.
var Target = filepath.Join("docs", "settings.md")

// heading is what the page begins with.
const heading = `# Settings

<!-- Made by "make generate" from the fields' comments; change those instead. -->

Every program reads its settings once, at its start, from environment variables, and says all that is wrong with them
together. On a cluster they are in the manifests below ` + "`knative/`" + `; on one machine ` + "`make run`" + ` gives every part its own.
A default that is empty means that what the setting is for is left out.

| variable | of every function | default |
|---|---|---|
| ` + "`PORT`, `LISTEN_ADDRESS`" + ` | where it listens: a port, or an address, which goes before it | ` + "`127.0.0.1:8080`" + ` |
| ` + "`METRICS_ADDRESS`" + ` | an address of its own for ` + "`/metrics`" + ` | with the rest |
| ` + "`LOG_LEVEL`" + ` | ` + "`debug`, `info`, `warn` or `error`" + ` | ` + "`info`" + ` |
| ` + "`LOG_FORMAT`" + ` | ` + "`json` or `text`" + ` | text on a terminal, else JSON |
`

// Page is the page. A variable means the same wherever it is read: a program that does not say it has it from another.
// About is what is said of a program before its variables; it may be empty.
func Page(root string, about func(program string) string) ([]byte, error) {
	programs, err := Programs(root)
	if err != nil {
		return nil, err
	}
	read := map[string][]Variable{}
	said := map[string]string{}
	for _, p := range programs {
		if read[p.Name], err = p.Variables(root); err != nil {
			return nil, err
		}
		for _, v := range read[p.Name] {
			said[v.Name] = cmp.Or(said[v.Name], v.Meaning)
		}
	}
	var page strings.Builder
	page.WriteString(heading)
	var unsaid []error
	for _, p := range programs {
		fmt.Fprintf(&page, "\n## %s\n\n", p.Name)
		if text := about(p.Name); text != "" {
			page.WriteString(text + "\n")
		}
		for _, name := range table(&page, read[p.Name], said) {
			unsaid = append(unsaid, fmt.Errorf("no field of %s has a comment that says what it means, as in %s", name, p.Name))
		}
	}
	return []byte(page.String()), errors.Join(unsaid...)
}

// table writes variables, and gives the names of those that nobody says the meaning of.
func table(page *strings.Builder, variables []Variable, said map[string]string) (unsaid []string) {
	if len(variables) == 0 {
		page.WriteString("It has none of its own.\n")
		return nil
	}
	page.WriteString("| variable | required | default | meaning |\n|---|---|---|---|\n")
	before := ""
	for _, v := range variables {
		required, standard, meaning := "", "", cmp.Or(v.Meaning, said[v.Name])
		if v.Required {
			required = "yes"
		}
		if v.Default != "" {
			standard = "`" + v.Default + "`"
		}
		if meaning == "" {
			unsaid = append(unsaid, v.Name)
		}
		cell := sentence(meaning)
		if meaning == before {
			cell = "See above."
		}
		before = meaning
		fmt.Fprintf(page, "| `%s` | %s | %s | %s |\n", v.Name, required, standard, cell)
	}
	return unsaid
}

// sentence is a comment as a cell of a table shows it.
func sentence(comment string) string {
	if comment == "" {
		return ""
	}
	text := strings.ReplaceAll(comment, "|", `\|`)
	if first, size := utf8.DecodeRuneInString(text); !strings.Contains(strings.Fields(text)[0], "://") {
		text = string(unicode.ToUpper(first)) + text[size:]
	}
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}
