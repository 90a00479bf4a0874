package account

import (
	"maps"
	"slices"
	"strings"

	"irc.now/shared/account/plan"
	"irc.now/shared/fault"
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
	if reserved(folded) {
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

// reserved reports whether s is a name that we, IRC services or mail use, or that others would trust too easily.
func reserved(s string) bool {
	return reservedNames[s] || slices.ContainsFunc(reservedPrefixes, func(p string) bool { return strings.HasPrefix(s, p) }) ||
		slices.ContainsFunc(reservedSuffixes, func(p string) bool { return strings.HasSuffix(s, p) })
}

// Prefixes and suffixes that no handle may have. A dedicated bouncer is called after its owner, and what belongs to it
// has the name with one of the suffixes that begin with a hyphen.
var (
	reservedPrefixes = []string{"soju-", "ergo-", "irc-now"}
	reservedSuffixes = []string{"serv", "-admin", "-chat", "-config", "-database", "-irc", "-tls", "-web"}
)

// Reserved are the names, prefixes and suffixes that ParseHandle refuses, each sorted. The custom resources refuse the
// same.
func Reserved() (names, prefixes, suffixes []string) {
	return slices.Sorted(maps.Keys(reservedNames)), slices.Sorted(slices.Values(reservedPrefixes)),
		slices.Sorted(slices.Values(reservedSuffixes))
}

var reservedNames = func() map[string]bool {
	names := map[string]bool{}
	for name := range strings.FieldsSeq(`
		www my auth chat txt pics api mail smtp imap pop ftp ns ns1 ns2 mx dns cdn static assets img docs blog
		status help support billing pay abuse security legal terms privacy press about pricing clients faq
		admin administrator root system sysop operator oper opers ircop ircops staff team moderator mod owner
		hostmaster postmaster webmaster noreply no-reply info contact
		irc ircd ircnow bouncer bnc bots bot soju ergo gamja net network networks server services service global
		local localhost localdomain internal example test invalid onion wpad isatap autoconfig autodiscover
		everyone here all anonymous anon guest nobody user users me self null none undefined nil
		account accounts login signin signup register password portal dashboard landing identity introspect
		grafana prometheus metrics knative argo keycloak postgres database db stripe kubernetes openshift`) {
		names[name] = true
	}
	return names
}()
