package bouncer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"irc.now/shared/config"
	"irc.now/shared/fault"
)

// maxAnswer bounds what Admin reads of an answer; a user with the most channels stays far below.
const maxAnswer = 4 << 20

// Admin changes a bouncer through its bounceradmin. It is safe for concurrent use. Its errors are of the
// kinds Invalid (with form fields), NotFound, Conflict, OverQuota and Unavailable, with a sentence to show;
// everything else is Internal.
type Admin struct {
	base   string
	token  config.Secret
	client *http.Client
}

// NewAdmin makes a client of the bounceradmin at baseURL. The client's timeout bounds each call.
func NewAdmin(baseURL string, token config.Secret, client *http.Client) *Admin {
	return &Admin{base: strings.TrimSuffix(baseURL, "/"), token: token, client: client}
}

// EnsureUser makes the user if need be and sets how many networks it may have enabled; negative is no
// limit. It is safe to repeat.
func (a *Admin) EnsureUser(ctx context.Context, user string, maxNetworks int) error {
	return a.do(ctx, http.MethodPut, a.user(user), MaxNetworks{maxNetworks}, nil)
}

// DeleteUser removes the user with networks and messages and closes its connections. A user that is not
// there is no error.
func (a *Admin) DeleteUser(ctx context.Context, user string) error {
	return a.do(ctx, http.MethodDelete, a.user(user), nil, nil)
}

// Disconnect closes the user's client connections; they have to sign in again. The networks stay
// connected. A user that is not there has no connections, which is no error.
func (a *Admin) Disconnect(ctx context.Context, user string) error {
	return a.do(ctx, http.MethodPost, a.user(user, "disconnect"), nil, nil)
}

// Upstreams lists the user's networks, oldest first. A user that is not there has none.
func (a *Admin) Upstreams(ctx context.Context, user string) ([]Upstream, error) {
	var networks []Upstream
	err := a.do(ctx, http.MethodGet, a.user(user, "networks"), nil, &networks)
	return networks, err
}

// CreateUpstream adds a network and connects to it: whole or not at all. OverQuota where the user's limit of
// enabled networks is reached, Conflict where the name is taken.
func (a *Admin) CreateUpstream(ctx context.Context, user string, spec UpstreamSpec) error {
	return a.send(ctx, http.MethodPost, a.user(user, "networks"), spec)
}

// UpdateUpstream changes the network called name to spec, which may rename it: whole or not at all. soju
// connects anew where the change needs it. Channels that are not in spec are left.
func (a *Admin) UpdateUpstream(ctx context.Context, user, name string, spec UpstreamSpec) error {
	return a.send(ctx, http.MethodPut, a.network(user, name), spec)
}

// DeleteUpstream disconnects and forgets the network with its messages. Later reports that soju is busy with this user and
// does it as soon as it can.
func (a *Admin) DeleteUpstream(ctx context.Context, user, name string) (later bool, err error) {
	return a.outcome(ctx, http.MethodDelete, a.network(user, name), nil)
}

// SetEnabled connects or disconnects the network and remembers it. OverQuota as for CreateUpstream, later as for
// DeleteUpstream.
func (a *Admin) SetEnabled(ctx context.Context, user, name string, on bool) (later bool, err error) {
	return a.outcome(ctx, http.MethodPut, a.network(user, name, "enabled"), Enabled{on})
}

// Reconnect has soju leave the network and connect anew; later as for DeleteUpstream.
func (a *Admin) Reconnect(ctx context.Context, user, name string) (later bool, err error) {
	return a.outcome(ctx, http.MethodPost, a.network(user, name, "reconnect"), nil)
}

// MakeCertificate gives the network a new client certificate, with which soju signs in from the next connect on, in place
// of an account's password. The connection that there is stays.
func (a *Admin) MakeCertificate(ctx context.Context, user, name string) error {
	return a.do(ctx, http.MethodPost, a.network(user, name, "certificate"), nil, nil)
}

// DropCertificate forgets the network's client certificate; soju then signs in to no account. One that is not there is no
// error.
func (a *Admin) DropCertificate(ctx context.Context, user, name string) error {
	return a.do(ctx, http.MethodDelete, a.network(user, name, "certificate"), nil, nil)
}

func (a *Admin) outcome(ctx context.Context, method, address string, body any) (later bool, err error) {
	var outcome Outcome
	err = a.do(ctx, method, address, body, &outcome)
	return outcome.Later, err
}

// Status asks whether the bouncer is up and how busy it is.
func (a *Admin) Status(ctx context.Context) (Status, error) {
	var status Status
	err := a.do(ctx, http.MethodGet, a.base+"/v1/status", nil, &status)
	return status, err
}

func (a *Admin) user(user string, more ...string) string {
	return strings.Join(append([]string{a.base, "v1/users", url.PathEscape(user)}, more...), "/")
}

// network puts the name into the query: names made through BouncerServ may hold slashes and dots, which
// paths do not carry faithfully.
func (a *Admin) network(user, name string, more ...string) string {
	return a.user(user, append([]string{"network"}, more...)...) + "?" + url.Values{"name": {name}}.Encode()
}

func (a *Admin) send(ctx context.Context, method, address string, spec UpstreamSpec) error {
	body, err := EncodeSpec(spec)
	if err != nil {
		return fmt.Errorf("encode network: %w", err)
	}
	return a.do(ctx, method, address, json.RawMessage(body), nil)
}

func (a *Admin) do(ctx context.Context, method, address string, body, answer any) error {
	request, err := newRequest(ctx, method, address, body)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+a.token.Reveal())
	response, err := a.client.Do(request)
	if err != nil {
		return unavailable(withoutURL(err))
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return unavailable(err)
	}
	if response.StatusCode/100 != 2 {
		return faultOf(response.StatusCode, data)
	}
	if answer == nil || response.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("decode bounceradmin's answer: %w", err)
	}
	return nil
}

func newRequest(ctx context.Context, method, address string, body any) (*http.Request, error) {
	var reader io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encode request to bounceradmin: %w", err)
		}
		reader = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, reader)
	if err != nil {
		return nil, fmt.Errorf("make request to bounceradmin: %w", err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// withoutURL keeps user and network names, which the address holds, out of logs.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

func unavailable(cause error) error {
	return fault.Wrap(cause, fault.Unavailable, "The bouncer cannot be reached right now. Please try again in a minute.")
}

// faultOf is the fault that bounceradmin reports. That it does not take our token is no concern of the user's.
func faultOf(status int, data []byte) error {
	var p Problem
	if err := json.Unmarshal(data, &p); err != nil {
		return unavailable(fmt.Errorf("bounceradmin answered %d", status))
	}
	kind, known := fault.ParseKind(p.Kind)
	if !known || kind == fault.Internal || kind == fault.Unauthenticated {
		return fmt.Errorf("bounceradmin answered %d, %s", status, p.Kind)
	}
	return &fault.Error{Kind: kind, Sentence: p.Sentence, Fields: p.Fields}
}
