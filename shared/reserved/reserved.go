// Package reserved says which names nobody may take: neither as a handle nor for a bouncer or a hosted network.
//
// It stands apart from package account so that the operators, which know no accounts, hold to the same names. The
// schemas of the custom resources repeat them: go generate ./operators/api/v1alpha1 writes them there.
package reserved

import (
	"slices"
	"strings"
)

// Name reports whether s, in lower case, is a name that we, IRC services or mail use, or that others would trust too
// easily.
func Name(s string) bool {
	_, listed := slices.BinarySearch(names, s)
	return listed ||
		slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) }) ||
		slices.ContainsFunc(suffixes, func(p string) bool { return strings.HasSuffix(s, p) })
}

// Names are refused as they are.
func Names() []string { return slices.Clone(names) }

// Prefixes are refused in front of anything.
func Prefixes() []string { return slices.Clone(prefixes) }

// Suffixes are refused behind anything. A dedicated bouncer is called after its owner, and what belongs to it has the
// name with one of the suffixes that begin with a hyphen.
func Suffixes() []string { return slices.Clone(suffixes) }

// Each list is sorted.
var (
	prefixes = []string{"ergo-", "irc-now", "soju-"}
	suffixes = []string{"-admin", "-chat", "-config", "-database", "-irc", "-tls", "-web", "serv"}
	names    = slices.Sorted(strings.FieldsSeq(`
		www my auth chat txt pics api mail smtp imap pop ftp ns ns1 ns2 mx dns cdn static assets img docs blog
		notes status help support billing pay abuse security legal terms privacy press about pricing clients faq
		admin administrator root system sysop operator oper opers ircop ircops staff team moderator mod owner
		hostmaster postmaster webmaster noreply no-reply info contact
		irc ircd ircnow bouncer bnc bots bot soju ergo gamja net network networks server services service global
		local localhost localdomain internal example test invalid onion wpad isatap autoconfig autodiscover
		everyone here all anonymous anon guest nobody user users me self null none undefined nil
		account accounts login signin signup register password portal dashboard landing identity introspect
		grafana prometheus metrics knative argo keycloak postgres database db stripe kubernetes openshift`))
)
