package account

import (
	"strings"

	"irc.now/shared/account/plan"
	"irc.now/shared/fault"
	"irc.now/shared/reserved"
)

// Handle is a user's name on the platform: the soju user, the suggested IRC nickname, and a DNS label under our
// domain. It is always lower case, and never changes once it was picked. The zero value means "not picked yet".
type Handle string

// Limits of a handle: see package plan.
const (
	MinHandle = plan.MinHandle
	MaxHandle = plan.MaxHandle
)

// ParseHandle makes a Handle of what somebody typed, or returns an Invalid fault that blames the field "handle".
//
// The result is a nickname by RFC 2812 section 2.3.1 (it starts with a letter) and a DNS label by RFC 1123 section
// 2.1 that cannot be taken for an internationalised one (no "--"). Upper case is folded, since neither IRC nor DNS
// tells it apart.
func ParseHandle(typed string) (Handle, error) {
	folded := foldASCII(strings.TrimSpace(typed))
	if err := checkShape(folded); err != nil {
		return "", err
	}
	if reserved.Name(folded) {
		return "", fault.Field("handle", "The handle %q is reserved. Please pick another one.", folded)
	}
	return Handle(folded), nil
}

// foldASCII leaves letters beyond ASCII alone: strings.ToLower would turn the Kelvin sign into a "k".
func foldASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func checkShape(s string) error {
	switch {
	case s == "":
		return fault.Field("handle", "Please type a handle.")
	case strings.ContainsFunc(s, notHandle):
		return fault.Field("handle", "A handle consists of the letters a to z, digits and hyphens.")
	case len(s) < MinHandle:
		return fault.Field("handle", "A handle has at least %d characters.", MinHandle)
	case len(s) > MaxHandle:
		return fault.Field("handle", "A handle has at most %d characters.", MaxHandle)
	case s[0] < 'a':
		return fault.Field("handle", "A handle starts with a letter.")
	case strings.HasSuffix(s, "-") || strings.Contains(s, "--"):
		return fault.Field("handle", "A handle does not end in a hyphen or have two in a row.")
	}
	return nil
}

func notHandle(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
}
