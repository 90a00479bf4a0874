// Package httpfault is the one table between kinds of faults and HTTP statuses, in both directions.
//
// It stands beside package fault, which knows nothing of HTTP, and beside package web, whose pages not every program
// links. A protocol that asks for another status says so where it answers, as a deviation from this table.
package httpfault

import (
	"net/http"

	"irc.now/shared/fault"
)

// statuses has every kind.
var statuses = map[fault.Kind]int{
	fault.Internal:        http.StatusInternalServerError,
	fault.Unavailable:     http.StatusServiceUnavailable,
	fault.NotFound:        http.StatusNotFound,
	fault.Invalid:         http.StatusUnprocessableEntity,
	fault.Conflict:        http.StatusConflict,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.OverQuota:       http.StatusForbidden,
	fault.RateLimited:     http.StatusTooManyRequests,
}

// Status is the HTTP status for err's kind.
func Status(err error) int { return statuses[fault.KindOf(err)] }

// KindOf is what another server's status means to whoever asked it. That server's trouble, 500 included, is
// Unavailable: trying again later helps. Internal is what a server we know does not answer with.
func KindOf(status int) fault.Kind {
	switch status {
	case http.StatusNotFound, http.StatusGone:
		return fault.NotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return fault.Conflict
	case http.StatusUnauthorized:
		return fault.Unauthenticated
	case http.StatusForbidden:
		return fault.Forbidden
	case http.StatusTooManyRequests:
		return fault.RateLimited
	case http.StatusRequestTimeout:
		return fault.Unavailable
	}
	switch status / 100 {
	case 4:
		return fault.Invalid
	case 5:
		return fault.Unavailable
	default:
		return fault.Internal
	}
}
