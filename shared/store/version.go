package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Queryer is a connection or a pool.
type Queryer interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Lag is a set of which a database lacks migrations.
type Lag struct {
	Set         Set
	Has, Needed int64 // versions; a database that never saw the set has 0
}

// Lags tells of which sets the database lacks migrations. Newer than needed is fine: code runs before and after each
// migration. Where all tables of versions are there, it is one query and one round trip.
func Lags(ctx context.Context, db Queryer, sets []Set) ([]Lag, error) {
	has, err := versions(ctx, db, sets)
	if Code(err) == UndefinedTable {
		has, err = versionsOneByOne(ctx, db, sets)
	}
	if err != nil {
		return nil, err
	}
	var lags []Lag
	for i, set := range sets {
		needed, err := set.Newest()
		if err != nil {
			return nil, err
		}
		if has[i] < needed {
			lags = append(lags, Lag{Set: set, Has: has[i], Needed: needed})
		}
	}
	return lags, nil
}

func versions(ctx context.Context, db Queryer, sets []Set) ([]int64, error) {
	found := make([]int64, len(sets))
	columns, targets := make([]string, len(sets)), make([]any, len(sets))
	for i, set := range sets {
		columns[i] = `(SELECT coalesce(max(version_id), 0) FROM ` + pgx.Identifier{set.VersionTable()}.Sanitize() + ` WHERE is_applied)`
		targets[i] = &found[i]
	}
	// The simple protocol saves the round trip that prepares a statement.
	err := db.QueryRow(ctx, `SELECT `+strings.Join(columns, ", "), pgx.QueryExecModeSimpleProtocol).Scan(targets...)
	if err != nil {
		return nil, fmt.Errorf("read the schema's versions: %w", err)
	}
	return found, nil
}

// versionsOneByOne takes a table that is not there for version 0.
func versionsOneByOne(ctx context.Context, db Queryer, sets []Set) ([]int64, error) {
	all := make([]int64, len(sets))
	for i := range sets {
		found, err := versions(ctx, db, sets[i:i+1])
		switch {
		case Code(err) == UndefinedTable:
		case err != nil:
			return nil, err
		default:
			all[i] = found[0]
		}
	}
	return all, nil
}
