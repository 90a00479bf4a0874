package fragment

import (
	"context"
	"net/url"
	"time"

	"irc.now/functions/portal/state"
	"irc.now/shared/account"
)

const (
	// registering is how long a client may take from its password to its first channel.
	registering = 15 * time.Second
	// clocks is how far those of a bouncer and of who looked at the password may differ.
	clocks = 5 * time.Second
)

// Client is how far the IRC client of a connection password has come, for the template client-state.
type Client struct {
	Password account.ConnectionPassword
	Access   Access
	In       bool // the bouncer has let it in
	Refused  bool // its password was right, and the bouncer has not let it in all the same
}

// Path is where the client's state is to be had.
func (c Client) Path() string {
	path := "/passwords/" + url.PathEscape(c.Password.ID) + "/client"
	if c.Access.Network != "" {
		path += "?" + url.Values{"network": {c.Access.Network}}.Encode()
	}
	return path
}

// ClientOf asks the bouncer about the password's client. A password is looked at before the user name that came with it,
// so its use alone does not show that somebody is in; where the bouncer cannot tell, it has to do.
func ClientOf(ctx context.Context, password account.ConnectionPassword, b state.Bouncer, access Access, now time.Time) Client {
	client := Client{Password: password, Access: access}
	used := password.LastUsedAt
	if used == nil {
		return client
	}
	seen, err := time.Time{}, b.Err
	if err == nil {
		seen, err = b.Admin.ClientSeen(ctx, access.Handle)
	}
	client.In = err != nil || !seen.Before(used.Add(-clocks))
	client.Refused = !client.In && now.Sub(*used) > registering
	return client
}
