package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientIP is the address a request came from, for rate limits and the log. Proxies is how many proxies of
// our own stand before the program: each of them appends the address it saw to X-Forwarded-For, so only that
// many entries from the right can be trusted; with 0 the header is ignored. IPv4-mapped addresses are
// unmapped. It is the zero Addr when there is none.
func ClientIP(r *http.Request, proxies int) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || proxies <= 0 {
		return peer.Addr().Unmap()
	}
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	at := len(chain) - proxies
	if at < 0 {
		return peer.Addr().Unmap() // fewer proxies than promised: believe nobody
	}
	forwarded, err := netip.ParseAddr(strings.TrimSpace(chain[at]))
	if err != nil {
		return peer.Addr().Unmap()
	}
	return forwarded.Unmap().WithZone("")
}
