package bouncer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"irc.now/shared/config"
	"irc.now/shared/fault"
)

// wireSpec is a UpstreamSpec on its way from Admin to bounceradmin. It is a type of its own because
// config.Secret never encodes itself: only here, on the authenticated connection, secrets are in the clear.
type wireSpec struct {
	Name               string   `json:"name"`
	Host               string   `json:"host"`
	Port               int      `json:"port"`
	TLS                bool     `json:"tls"`
	Nick               string   `json:"nick,omitempty"`
	RealName           string   `json:"real_name,omitempty"`
	SASLUsername       string   `json:"sasl_username,omitempty"`
	SASLPassword       string   `json:"sasl_password,omitempty"`
	KeepSASLPassword   bool     `json:"keep_sasl_password,omitempty"`
	ServerPassword     string   `json:"server_password,omitempty"`
	KeepServerPassword bool     `json:"keep_server_password,omitempty"`
	Channels           []string `json:"channels"`
	More               *More    `json:"more,omitempty"`
}

// EncodeSpec gives spec as JSON with its secrets in the clear: for the admin service only, never for a log.
// It refuses broken UTF-8, which JSON would replace: a password must not change on its way.
func EncodeSpec(spec UpstreamSpec) ([]byte, error) {
	var c fault.Collector
	for field, text := range map[string]string{
		"name": spec.Name, "host": spec.Host, "nick": spec.Nick, "realname": spec.RealName, "sasl_username": spec.SASLUsername,
		"sasl_password": spec.SASLPassword.Reveal(), "server_password": spec.ServerPassword.Reveal(),
		"channels": strings.Join(spec.Channels, ""), "pinned": spec.more().Pinned, "commands": strings.Join(spec.more().Commands, ""),
		"keys": strings.Join(spec.more().Keys, ""),
	} {
		if !utf8.ValidString(text) {
			c.Add(field, "That is not valid text.")
		}
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	return json.Marshal(wireSpec{
		Name: spec.Name, Host: spec.Host, Port: spec.Port, TLS: spec.TLS,
		Nick: spec.Nick, RealName: spec.RealName,
		SASLUsername: spec.SASLUsername, SASLPassword: spec.SASLPassword.Reveal(), KeepSASLPassword: spec.KeepSASLPassword,
		ServerPassword: spec.ServerPassword.Reveal(), KeepServerPassword: spec.KeepServerPassword,
		Channels: spec.Channels, More: spec.More,
	})
}

// DecodeSpec reads what EncodeSpec wrote. The spec is as hostile as its sender.
func DecodeSpec(data []byte) (UpstreamSpec, error) {
	var w wireSpec
	if err := json.Unmarshal(data, &w); err != nil {
		return UpstreamSpec{}, fmt.Errorf("decode network: %w", err)
	}
	return UpstreamSpec{
		Name: w.Name, Host: w.Host, Port: w.Port, TLS: w.TLS, Nick: w.Nick, RealName: w.RealName,
		SASLUsername: w.SASLUsername, SASLPassword: config.Secret(w.SASLPassword), KeepSASLPassword: w.KeepSASLPassword,
		ServerPassword: config.Secret(w.ServerPassword), KeepServerPassword: w.KeepServerPassword,
		Channels: w.Channels, More: w.More,
	}, nil
}

// Problem is how bounceradmin reports a fault. Kind is fault.Kind's name.
type Problem struct {
	Kind     string            `json:"kind"`
	Sentence string            `json:"sentence"`
	Fields   map[string]string `json:"fields,omitempty"`
}

// MaxNetworks is the body of a user's PUT.
type MaxNetworks struct {
	MaxNetworks int `json:"max_networks"` // enabled networks at once; negative for no limit
}

// Enabled is the body of a network's enabled PUT.
type Enabled struct {
	Enabled bool `json:"enabled"`
}

// Outcome is the answer to what may take longer than a caller waits.
type Outcome struct {
	Later bool `json:"later"` // soju has not come to it yet, and does it as soon as it can
}
