package store

import (
	"fmt"
	"regexp"
	"strings"
)

// Grant is what a role may do with one table. Several for one table add up.
type Grant struct {
	Table string
	May   string // "SELECT, INSERT, UPDATE (last_used_at), DELETE"
}

// Right is one thing that a role may do: a privilege on a column, or on the whole table where Column is empty.
type Right struct{ Table, Column, Privilege string }

var (
	validIdentifier = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
	onePrivilege    = regexp.MustCompile(`^(SELECT|INSERT|UPDATE|DELETE)(?: ?\(([a-z0-9_, ]+)\))?$`)
	// between splits at the commas that are not between columns.
	between = regexp.MustCompile(`,\s*(SELECT|INSERT|UPDATE|DELETE)\b`)
)

// Rights takes the grant apart. No name in them needs quoting.
func (g Grant) Rights() ([]Right, error) {
	if !validIdentifier.MatchString(g.Table) {
		return nil, fmt.Errorf("grant on %q: this is no name of a table", g.Table)
	}
	var rights []Right
	for one := range strings.SplitSeq(between.ReplaceAllString(g.May, ";$1"), ";") {
		found := onePrivilege.FindStringSubmatch(strings.TrimSpace(one))
		if found == nil {
			return nil, fmt.Errorf("grant on %s: %q is no privilege such as \"SELECT\" or \"UPDATE (name, email)\"", g.Table, one)
		}
		if found[2] == "" {
			rights = append(rights, Right{Table: g.Table, Privilege: found[1]})
			continue
		}
		if found[1] == "DELETE" {
			return nil, fmt.Errorf("grant on %s: whole rows are deleted, not columns", g.Table)
		}
		for column := range strings.SplitSeq(found[2], ",") {
			if column = strings.TrimSpace(column); !validIdentifier.MatchString(column) {
				return nil, fmt.Errorf("grant on %s: %q is no name of a column", g.Table, column)
			}
			rights = append(rights, Right{Table: g.Table, Column: column, Privilege: found[1]})
		}
	}
	return rights, nil
}
