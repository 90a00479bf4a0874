package introspect

import (
	"net/http"

	"irc.now/shared/account"
	"irc.now/shared/bouncer"
)

// owner is the one user that a request may be about; empty for everybody.
type owner string

func scopeOf(r *http.Request) owner { return owner(bouncer.ScopeOf(r)) }

// path is what the addresses of a scope begin with.
func (o owner) path() string { return bouncer.ScopePath(string(o)) }

// may reports whether answers may be about user. A valid password of anybody else is, to the bouncer of o, one that
// does not exist: else it would let them in, or could find out whose passwords are typed where.
func (o owner) may(user account.User) bool { return o == "" || string(o) == string(user.Handle) }

// mayAsk reports whether the client called name has shown its secret and may ask within o: a dedicated bouncer within
// its owner's scope and nowhere else, everybody else outside of scopes.
func (f *Function) mayAsk(o owner, name, secret string) bool {
	if o != "" {
		dedicated := clients{bouncer.IntrospectClient(string(o)): bouncer.IntrospectSecret(f.key, string(o))}
		return f.key != "" && dedicated.allow(name, secret)
	}
	if f.key != "" && name == bouncer.Shared {
		shared := clients{bouncer.Shared: bouncer.IntrospectSecret(f.key, bouncer.Shared)}
		return shared.allow(name, secret) || f.clients.allow(name, secret)
	}
	return f.clients.allow(name, secret)
}
