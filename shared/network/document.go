package network

import (
	"path/filepath"
	"slices"
	"time"
)

// The document's types are those parts of ergo's configuration that we set; ergo has defaults for others.
// Durations are strings as ergo reads them. Two packages read YAML here: ours goes by the json tags.

type document struct {
	AllowEnvironmentOverrides bool                 `json:"allow-environment-overrides"`
	Network                   named                `json:"network"`
	Server                    server               `json:"server"`
	Accounts                  accounts             `json:"accounts"`
	Channels                  channels             `json:"channels"`
	OperClasses               map[string]operClass `json:"oper-classes"`
	Opers                     map[string]oper      `json:"opers,omitempty"`
	Logging                   []logging            `json:"logging"`
	LockFile                  string               `json:"lock-file"`
	Datastore                 datastore            `json:"datastore"`
	Languages                 switched             `json:"languages"`
	Limits                    limits               `json:"limits"`
	Fakelag                   fakelag              `json:"fakelag"`
	History                   history              `json:"history"`
	API                       *api                 `json:"api,omitempty"`
}

type api struct {
	Enabled      bool     `json:"enabled"`
	Listener     string   `json:"listener"`
	BearerTokens []string `json:"bearer-tokens"`
}

type named struct {
	Name string `json:"name"`
}

type switched struct {
	Enabled bool `json:"enabled"`
}

type server struct {
	Name          string              `json:"name"`
	Listeners     map[string]listener `json:"listeners"`
	Casemapping   string              `json:"casemapping"`
	EnforceUTF8   bool                `json:"enforce-utf8"`
	LookupNames   bool                `json:"lookup-hostnames"`
	CheckIdent    bool                `json:"check-ident"`
	CoerceIdent   string              `json:"coerce-ident"`
	MOTD          string              `json:"motd,omitempty"`
	MOTDFormat    bool                `json:"motd-formatting"`
	MaxSendQ      string              `json:"max-sendq"`
	Compatibility compatibility       `json:"compatibility"`
	IPLimits      ipLimits            `json:"ip-limits"`
	IPCloaking    ipCloaking          `json:"ip-cloaking"`
	OperThrottle  string              `json:"oper-throttle"`
	ProxyFrom     []string            `json:"proxy-allowed-from,omitempty"`
}

type listener struct {
	TLS           *certificate `json:"tls,omitempty"`
	MinTLSVersion string       `json:"min-tls-version,omitempty"`
	WebSocket     bool         `json:"websocket,omitempty"`
}

type certificate struct {
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

type compatibility struct {
	ForceTrailing      bool `json:"force-trailing"`
	SendUnprefixedSASL bool `json:"send-unprefixed-sasl"`
	AllowTruncation    bool `json:"allow-truncation"`
}

type ipLimits struct {
	Count         bool                   `json:"count"`
	MaxConcurrent int                    `json:"max-concurrent-connections"`
	Throttle      bool                   `json:"throttle"`
	Window        string                 `json:"window"`
	MaxPerWindow  int                    `json:"max-connections-per-window"`
	CIDRLenIPv4   int                    `json:"cidr-len-ipv4"`
	CIDRLenIPv6   int                    `json:"cidr-len-ipv6"`
	Exempted      []string               `json:"exempted,omitempty"`
	CustomLimits  map[string]customLimit `json:"custom-limits,omitempty"`
}

type customLimit struct {
	Nets          []string `json:"nets"`
	MaxConcurrent int      `json:"max-concurrent-connections"`
	MaxPerWindow  int      `json:"max-connections-per-window"`
}

type ipCloaking struct {
	Enabled            bool   `json:"enabled"`
	EnabledForAlwaysOn bool   `json:"enabled-for-always-on"`
	Netname            string `json:"netname"`
	CIDRLenIPv4        int    `json:"cidr-len-ipv4"`
	CIDRLenIPv6        int    `json:"cidr-len-ipv6"`
	NumBits            int    `json:"num-bits"`
}

type accounts struct {
	AuthenticationEnabled bool            `json:"authentication-enabled"`
	AdvertiseSCRAM        bool            `json:"advertise-scram"`
	LoginViaPassCommand   bool            `json:"login-via-pass-command"`
	DefaultUserModes      string          `json:"default-user-modes"`
	Registration          registration    `json:"registration"`
	LoginThrottling       throttle        `json:"login-throttling"`
	NickReservation       nickReservation `json:"nick-reservation"`
	Multiclient           multiclient     `json:"multiclient"`
}

type registration struct {
	Enabled            bool     `json:"enabled"`
	AllowBeforeConnect bool     `json:"allow-before-connect"`
	Throttling         throttle `json:"throttling"`
	BcryptCost         int      `json:"bcrypt-cost"`
}

type throttle struct {
	Enabled     bool   `json:"enabled"`
	Duration    string `json:"duration"`
	MaxAttempts int    `json:"max-attempts"`
}

type nickReservation struct {
	Enabled                bool   `json:"enabled"`
	Method                 string `json:"method"`
	GuestFormat            string `json:"guest-nickname-format"`
	ForceNickEqualsAccount bool   `json:"force-nick-equals-account"`
}

type multiclient struct {
	Enabled          bool   `json:"enabled"`
	AllowedByDefault bool   `json:"allowed-by-default"`
	AlwaysOn         string `json:"always-on"`
	AutoAway         string `json:"auto-away"`
}

type channels struct {
	DefaultModes         string              `json:"default-modes"`
	MaxChannelsPerClient int                 `json:"max-channels-per-client"`
	Registration         channelRegistration `json:"registration"`
	InviteExpiration     string              `json:"invite-expiration"`
}

type channelRegistration struct {
	Enabled               bool `json:"enabled"`
	MaxChannelsPerAccount int  `json:"max-channels-per-account"`
}

type operClass struct {
	Title        string   `json:"title"`
	Capabilities []string `json:"capabilities"`
}

type oper struct {
	Class     string `json:"class"`
	Hidden    bool   `json:"hidden"`
	WhoisLine string `json:"whois-line"`
	Password  string `json:"password"`
}

type logging struct {
	Method string `json:"method"`
	Type   string `json:"type"`
	Level  string `json:"level"`
}

type datastore struct {
	Path        string      `json:"path"`
	AutoUpgrade bool        `json:"autoupgrade"`
	PostgreSQL  *postgresql `json:"postgresql,omitempty"`
}

type postgresql struct {
	Enabled bool   `json:"enabled"`
	URI     string `json:"uri"`
	Timeout string `json:"timeout"`
	// ConnectTimeout ends an ergo that starts while nobody answers; without it, that would wait for ever.
	ConnectTimeout string `json:"connect-timeout"`
	MaxConns       int    `json:"max-conns"`
}

type limits struct {
	NickLen              int       `json:"nicklen"`
	IdentLen             int       `json:"identlen"`
	RealNameLen          int       `json:"realnamelen"`
	ChannelLen           int       `json:"channellen"`
	AwayLen              int       `json:"awaylen"`
	KickLen              int       `json:"kicklen"`
	TopicLen             int       `json:"topiclen"`
	MonitorEntries       int       `json:"monitor-entries"`
	WhowasEntries        int       `json:"whowas-entries"`
	ChanListModes        int       `json:"chan-list-modes"`
	RegistrationMessages int       `json:"registration-messages"`
	Multiline            multiline `json:"multiline"`
}

type multiline struct {
	MaxBytes int `json:"max-bytes"`
	MaxLines int `json:"max-lines"`
}

type fakelag struct {
	Enabled           bool           `json:"enabled"`
	Window            string         `json:"window"`
	BurstLimit        int            `json:"burst-limit"`
	MessagesPerWindow int            `json:"messages-per-window"`
	Cooldown          string         `json:"cooldown"`
	CommandBudgets    map[string]int `json:"command-budgets"`
}

type history struct {
	Enabled          bool         `json:"enabled"`
	ChannelLength    int          `json:"channel-length"`
	ClientLength     int          `json:"client-length"`
	AutoresizeWindow string       `json:"autoresize-window"`
	AutoreplayOnJoin int          `json:"autoreplay-on-join"`
	ChathistoryMax   int          `json:"chathistory-maxmessages"`
	Restrictions     restrictions `json:"restrictions"`
	Persistent       persistent   `json:"persistent"`
}

type restrictions struct {
	ExpireTime  string `json:"expire-time"`
	QueryCutoff string `json:"query-cutoff"`
}

type persistent struct {
	Enabled              bool   `json:"enabled"`
	UnregisteredChannels bool   `json:"unregistered-channels"`
	RegisteredChannels   string `json:"registered-channels"`
	DirectMessages       string `json:"direct-messages"`
}

// document fills ergo's configuration: what c says, and else what suits a small public network.
func (c Config) document() document {
	return document{
		Network: named{Name: c.Name},
		Server:  c.server(),
		Accounts: accounts{
			AuthenticationEnabled: true, AdvertiseSCRAM: true, LoginViaPassCommand: true, DefaultUserModes: "+i",
			Registration: registration{
				Enabled: true, AllowBeforeConnect: true, BcryptCost: 10,
				Throttling: throttle{Enabled: true, Duration: "10m", MaxAttempts: 30},
			},
			LoginThrottling: throttle{Enabled: true, Duration: "1m", MaxAttempts: 3},
			NickReservation: nickReservation{Enabled: true, Method: "strict", GuestFormat: "Guest-*", ForceNickEqualsAccount: true},
			// A bouncer says no more than that nobody is there ("AWAY *"), which ergo shows of those alone who are always on
			// and automatically away.
			Multiclient: multiclient{Enabled: true, AllowedByDefault: true, AlwaysOn: "opt-in", AutoAway: "opt-out"},
		},
		Channels: channels{
			DefaultModes: "+ntC", MaxChannelsPerClient: 100, InviteExpiration: "24h",
			Registration: channelRegistration{Enabled: true, MaxChannelsPerAccount: 15},
		},
		OperClasses: map[string]operClass{"operator": {Title: "Network operator", Capabilities: operCapabilities}},
		Opers:       c.opers(),
		Logging:     []logging{{Method: "stderr", Type: "* -userinput -useroutput", Level: "info"}},
		LockFile:    filepath.Join(c.DataDir, "ircd.lock"),
		Datastore:   c.datastore(),
		Limits: limits{
			NickLen: 32, IdentLen: 20, RealNameLen: 150, ChannelLen: 64, AwayLen: 390, KickLen: 390, TopicLen: 390,
			MonitorEntries: 100, WhowasEntries: 100, ChanListModes: 100, RegistrationMessages: 1024,
			Multiline: multiline{MaxBytes: 4096, MaxLines: 100},
		},
		Fakelag: fakelag{
			Enabled: true, Window: "1s", BurstLimit: 5, MessagesPerWindow: 2, Cooldown: "2s",
			CommandBudgets: map[string]int{"CHATHISTORY": 16, "MARKREAD": 16, "MONITOR": 1, "WHO": 4},
		},
		History: c.history(),
		API:     c.api(),
	}
}

// operCapabilities are all of ergo's that a network's owner needs.
var operCapabilities = []string{
	"kill", "ban", "nofakelag", "relaymsg", "vhosts", "sajoin", "samode", "snomasks", "rehash", "accreg", "chanreg",
	"history", "defcon", "massmessage",
}

func (c Config) server() server {
	listeners := map[string]listener{}
	for _, address := range c.Listen {
		listeners[address] = listener{}
	}
	for _, l := range c.ListenTLS {
		listeners[l.Address] = listener{TLS: &certificate{Cert: l.Cert, Key: l.Key}, MinTLSVersion: "1.2"}
	}
	for _, address := range c.ListenWebSocket {
		listeners[address] = listener{WebSocket: true}
	}
	return server{
		Name: c.ServerName, Listeners: listeners, Casemapping: "ascii", EnforceUTF8: true, CoerceIdent: "~u",
		MOTD: c.MOTD, MOTDFormat: true, MaxSendQ: "96k", OperThrottle: "10s",
		Compatibility: compatibility{ForceTrailing: true, SendUnprefixedSASL: true},
		IPLimits:      c.ipLimits(),
		IPCloaking: ipCloaking{
			Enabled: true, EnabledForAlwaysOn: true, Netname: "irc", CIDRLenIPv4: 32, CIDRLenIPv6: 64, NumBits: 64,
		},
		ProxyFrom: c.Proxies,
	}
}

func (c Config) ipLimits() ipLimits {
	l := ipLimits{
		Count: true, MaxConcurrent: 16, Throttle: true, Window: "10m", MaxPerWindow: 32,
		CIDRLenIPv4: 32, CIDRLenIPv6: 64, Exempted: c.exempted(),
	}
	if c.MaxClients > 0 {
		l.CustomLimits = map[string]customLimit{"everyone": {
			Nets: []string{"0.0.0.0/0", "::/0"}, MaxConcurrent: c.MaxClients, MaxPerWindow: 10 * c.MaxClients,
		}}
	}
	return l
}

// exempted has loopback always: ergo never counts its clients when they come, but does when they go, so that each of
// them would make room for one more than MaxClients.
func (c Config) exempted() []string {
	nets := slices.Clone(c.Exempt)
	for _, loopback := range []string{"127.0.0.0/8", "::1/128"} {
		if !slices.Contains(nets, loopback) {
			nets = append(nets, loopback)
		}
	}
	return nets
}

func (c Config) opers() map[string]oper {
	opers := map[string]oper{}
	for _, o := range c.Opers {
		opers[o.Name] = oper{Class: "operator", Hidden: true, WhoisLine: "is a network operator", Password: o.PasswordHash}
	}
	return opers
}

func (c Config) api() *api {
	if c.API.Listen == "" {
		return nil
	}
	a := &api{Enabled: true, Listener: c.API.Listen}
	for _, token := range c.API.Tokens {
		a.BearerTokens = append(a.BearerTokens, token.Reveal())
	}
	return a
}

func (c Config) datastore() datastore {
	d := datastore{Path: filepath.Join(c.DataDir, "ircd.db"), AutoUpgrade: true}
	if c.History.DatabaseURL != "" {
		d.PostgreSQL = &postgresql{Enabled: true, URI: c.History.DatabaseURL.Reveal(), Timeout: "3s", ConnectTimeout: "5s", MaxConns: 4}
	}
	return d
}

func (c Config) history() history {
	expiry := c.History.Expiry
	if expiry == 0 {
		expiry = defaultExpiry
	}
	return history{
		Enabled: true, ChannelLength: 2048, ClientLength: 256, AutoresizeWindow: "3d", ChathistoryMax: 1000,
		Restrictions: restrictions{ExpireTime: expiry.Round(time.Second).String(), QueryCutoff: "none"},
		Persistent: persistent{
			Enabled: c.History.DatabaseURL != "", UnregisteredChannels: true,
			RegisteredChannels: "opt-out", DirectMessages: "opt-out",
		},
	}
}
