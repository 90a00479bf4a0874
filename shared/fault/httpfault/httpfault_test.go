package httpfault_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"irc.now/shared/fault"
	"irc.now/shared/fault/httpfault"
)

func TestEveryKindHasItsStatusAndComesBack(t *testing.T) {
	for kind, want := range map[fault.Kind]struct {
		status int
		back   fault.Kind // where a caller cannot tell it from another kind
	}{
		fault.Internal:        {500, fault.Unavailable},
		fault.Unavailable:     {503, fault.Unavailable},
		fault.NotFound:        {404, fault.NotFound},
		fault.Invalid:         {422, fault.Invalid},
		fault.Conflict:        {409, fault.Conflict},
		fault.Unauthenticated: {401, fault.Unauthenticated},
		fault.Forbidden:       {403, fault.Forbidden},
		fault.OverQuota:       {403, fault.Forbidden},
		fault.RateLimited:     {429, fault.RateLimited},
	} {
		t.Run(kind.String(), func(t *testing.T) {
			err := fmt.Errorf("do: %w", fault.New(kind, "No."))
			if got := httpfault.Status(err); got != want.status {
				t.Errorf("Status = %d, want %d", got, want.status)
			}
			if got := httpfault.KindOf(want.status); got != want.back {
				t.Errorf("KindOf(%d) = %v, want %v", want.status, got, want.back)
			}
		})
	}
}

func TestEveryKindThatThereIsHasAStatus(t *testing.T) {
	for _, kind := range fault.Kinds() {
		if text := http.StatusText(httpfault.Status(fault.New(kind, "No."))); text == "" {
			t.Errorf("%v has no status", kind)
		}
	}
}

func TestAnErrorWithoutAKindIsOurTrouble(t *testing.T) {
	if got := httpfault.Status(errors.New("broken")); got != http.StatusInternalServerError {
		t.Errorf("Status = %d", got)
	}
}

func TestOtherStatusesMeanWhatTheirClassMeans(t *testing.T) {
	for status, want := range map[int]fault.Kind{
		400: fault.Invalid, 408: fault.Unavailable, 410: fault.NotFound, 412: fault.Conflict, 413: fault.Invalid,
		500: fault.Unavailable, 502: fault.Unavailable, 504: fault.Unavailable, 302: fault.Internal, 0: fault.Internal,
	} {
		if got := httpfault.KindOf(status); got != want {
			t.Errorf("KindOf(%d) = %v, want %v", status, got, want)
		}
	}
}
