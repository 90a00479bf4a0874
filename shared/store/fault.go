package store

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"irc.now/shared/fault"
)

// Codes of PostgreSQL errors (appendix A of its manual) that our code acts on.
const (
	UniqueViolation           = "23505"
	ForeignKeyViolation       = "23503"
	InvalidTextRepresentation = "22P02"
	SerializationFailure      = "40001"
	DeadlockDetected          = "40P01"
	UndefinedTable            = "42P01"
	InsufficientPrivilege     = "42501"
	InvalidCatalogName        = "3D000"
	DuplicateDatabase         = "42P04"
	DuplicateObject           = "42710"
)

// Code is the SQLSTATE of a PostgreSQL error, or empty where err is something else.
func Code(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// Fault marks err Unavailable where the database is away or overloaded, so that callers can say "try again later"
// instead of "something went wrong", and Invalid where it was given what it can never keep, so that nobody tries again.
// Any other error, nil included, comes back as it is, and so does one that has a kind already: it may be another's.
func Fault(err error) error {
	if fault.KindOf(err) != fault.Internal {
		return err
	}
	if slices.Contains(unkeepable, Code(err)) {
		return fault.Wrap(err, fault.Invalid, "This cannot be kept: it is too long, or has characters that do not exist.")
	}
	if !away(err) {
		return err
	}
	return fault.Wrap(err, fault.Unavailable, "Our database is away for a moment. Please try again shortly.")
}

// unkeepable are the codes of text that is none (a NUL, or bytes that are not UTF-8), is too long for its column, or for the
// index that the column has.
var unkeepable = []string{"22021", "22P05", "22001", "54000"}

// awayClasses are SQLSTATE classes that pass by themselves: connection exception, insufficient resources, operator
// intervention (shutdown, start-up, statement_timeout).
var awayClasses = []string{"08", "53", "57"}

func away(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	// Before the code, which a server that refuses a connection sends as well.
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if code := Code(err); code != "" {
		for _, class := range awayClasses {
			if strings.HasPrefix(code, class) {
				return true
			}
		}
		return false
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	// The connection of a server that was killed ends in the middle of an answer.
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err)
}
