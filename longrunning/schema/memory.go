package schema

import (
	"context"
	"crypto/rand"

	"irc.now/shared/config"
)

// Memory is a sink for one machine: each run makes passwords anew, and they are nowhere else. It is for one goroutine.
type Memory struct{ addresses map[string][]Address }

// Password is a new one.
func (*Memory) Password(context.Context, string) (config.Secret, error) {
	return config.Secret(rand.Text()), nil
}

// Keep remembers the addresses.
func (m *Memory) Keep(_ context.Context, program string, addresses []Address) error {
	if m.addresses == nil {
		m.addresses = map[string][]Address{}
	}
	m.addresses[program] = addresses
	return nil
}

// URL is the address of the program's database; empty where it has none of that name.
func (m *Memory) URL(program, database string) config.Secret {
	for _, a := range m.addresses[program] {
		if a.Database == database {
			return a.URL
		}
	}
	return ""
}
