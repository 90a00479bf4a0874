package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// MigrationsFolder is where a set's files are.
const MigrationsFolder = "migrations"

// FirstTable is the version table of sets that are older than sets.
const FirstTable = "goose_db_version"

// Set is the migrations that one package brings to whatever database holds its tables. Sets of one database know
// nothing of each other: no migration of one touches a table of another.
type Set struct {
	Name  string // lower-case letters
	Files fs.FS  // "migrations/00001_what.sql", in goose's format
	Table string // of versions; empty for Name with "_schema_version"
}

// VersionTable is the table that says which of the set's migrations a database has seen.
func (s Set) VersionTable() string {
	if s.Table != "" {
		return s.Table
	}
	return s.Name + "_schema_version"
}

// Newest is the number of the set's last migration.
func (s Set) Newest() (int64, error) {
	names, err := fs.Glob(s.Files, MigrationsFolder+"/*.sql")
	if err != nil {
		return 0, fmt.Errorf("read the migrations of %s: %w", s.Name, err)
	}
	var newest int64
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("the name of migration %s of %s does not start with a number", name, s.Name)
		}
		newest = max(newest, version)
	}
	if newest == 0 {
		return 0, errors.New("there are no migrations of " + s.Name)
	}
	return newest, nil
}

// Schema is what a release wants one database to be.
type Schema struct {
	Name  string // of the database
	Sets  []Set
	Roles map[string][]Grant // by program, such as "portal"
}
