package outbox

import (
	"regexp"

	"irc.now/shared/config"
)

// address is one database.
type address struct {
	name string
	url  config.Secret
}

// addresses are databases by name.
type addresses []address

// begins is how each of the addresses begins. Further commas belong to the address: it may name several hosts.
var begins = regexp.MustCompile(`(?:^|,)([a-z][a-z0-9_]*)=(?:postgres|postgresql)://`)

// UnmarshalText reads "accounts=postgres://…,paste=postgres://…". The error repeats nothing, since it holds passwords.
func (a *addresses) UnmarshalText(text []byte) error {
	*a = nil
	found := begins.FindAllSubmatchIndex(text, -1)
	if len(found) == 0 || found[0][0] != 0 {
		return config.Problem(`is not a list such as "accounts=postgres://…,paste=postgres://…"`)
	}
	seen := map[string]bool{}
	for i, at := range found {
		end := len(text)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		name := string(text[at[2]:at[3]])
		if seen[name] {
			return config.Problem("names a database twice")
		}
		seen[name] = true
		*a = append(*a, address{name: name, url: config.Secret(text[at[3]+1 : end])})
	}
	return nil
}
