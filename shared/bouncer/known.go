package bouncer

import (
	"strings"

	"irc.now/shared/fault"
)

// KnownUpstream is a network that the picker offers.
type KnownUpstream struct {
	Name string // for people; Slug makes a network name of it
	Host string
	Port int
	TLS  bool
	URL  string // the network's web site; may be ""
	SASL bool   // whether it has accounts that one signs in to with SASL
}

// Address is where the network is.
func (k KnownUpstream) Address() Address { return Address{Host: k.Host, Port: k.Port, TLS: k.TLS} }

var notSlug = expression(`[^a-z0-9_-]+`)

// Slug is the name made fit for UpstreamSpec.Name: "Libera.Chat" becomes "libera-chat". It has no dots, since soju takes a
// name with one for a server's address, and no capitals, since names are typed into IRC clients and soju tells them apart.
func (k KnownUpstream) Slug() string {
	slug := strings.Trim(notSlug().ReplaceAllString(strings.ToLower(k.Name), "-"), "-")
	return slug[:min(len(slug), maxName)]
}

// WellKnown are the public networks the picker offers, the largest first. Undernet and QuakeNet have no TLS
// on the names that find a server for everyone.
var WellKnown = []KnownUpstream{
	{Name: "Libera.Chat", Host: "irc.libera.chat", Port: 6697, TLS: true, URL: "https://libera.chat/", SASL: true},
	{Name: "OFTC", Host: "irc.oftc.net", Port: 6697, TLS: true, URL: "https://www.oftc.net/"},
	{Name: "IRCnet", Host: "ssl.ircnet.io", Port: 6697, TLS: true, URL: "https://www.ircnet.com/"},
	{Name: "Undernet", Host: "irc.undernet.org", Port: 6667, URL: "https://www.undernet.org/"},
	{Name: "QuakeNet", Host: "irc.quakenet.org", Port: 6667, URL: "https://www.quakenet.org/"},
	{Name: "hackint", Host: "irc.hackint.org", Port: 6697, TLS: true, URL: "https://hackint.org/", SASL: true},
	{Name: "EFnet", Host: "irc.efnet.org", Port: 6697, TLS: true, URL: "http://www.efnet.org/"},
	{Name: "Rizon", Host: "irc.rizon.net", Port: 6697, TLS: true, URL: "https://rizon.net/", SASL: true},
	{Name: "DALnet", Host: "irc.dal.net", Port: 6697, TLS: true, URL: "https://www.dal.net/"},
	{Name: "EsperNet", Host: "irc.esper.net", Port: 6697, TLS: true, URL: "https://esper.net/", SASL: true},
	{Name: "Snoonet", Host: "irc.snoonet.org", Port: 6697, TLS: true, URL: "https://snoonet.org/", SASL: true},
	{Name: "tilde.chat", Host: "irc.tilde.chat", Port: 6697, TLS: true, URL: "https://tilde.chat/", SASL: true},
}

// ParseKnown reads networks of our own as configured: name=address, separated by commas, where address is
// ircs://host:port or irc+insecure://host:port. They may lie in private address space.
func ParseKnown(text string) ([]KnownUpstream, error) {
	var known []KnownUpstream
	for entry := range strings.SplitSeq(text, ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		name, address, found := strings.Cut(entry, "=")
		k := KnownUpstream{Name: strings.TrimSpace(name)}
		if !found || k.Slug() == "" {
			return nil, fault.New(fault.Invalid, "The network %q must be written as name=ircs://host:port.", entry)
		}
		a, err := ParseAddress(strings.TrimSpace(address))
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "The network %q has no usable address. %s", k.Name, fault.Sentence(err))
		}
		k.Host, k.Port, k.TLS = a.Host, a.Port, a.TLS
		known = append(known, k)
	}
	return known, nil
}
