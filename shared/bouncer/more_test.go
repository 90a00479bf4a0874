package bouncer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"irc.now/shared/bouncer"
	"irc.now/shared/fault"
)

func TestWhatIsPastedForAServerIsTakenApart(t *testing.T) {
	yes, no := new(true), new(false)
	for typed, want := range map[string]bouncer.Server{
		"irc.libera.chat":                  {Host: "irc.libera.chat"},
		"irc.libera.chat.":                 {Host: "irc.libera.chat"},
		"irc.libera.chat:6697":             {Host: "irc.libera.chat", Port: "6697"},
		"irc.libera.chat.:6697":            {Host: "irc.libera.chat", Port: "6697"},
		"irc.libera.chat/6697":             {Host: "irc.libera.chat", Port: "6697"},
		"irc.libera.chat/+6697":            {Host: "irc.libera.chat", Port: "6697", TLS: yes},
		"ircs://irc.libera.chat":           {Host: "irc.libera.chat", TLS: yes},
		"IRCS://irc.libera.chat:7000/":     {Host: "irc.libera.chat", Port: "7000", TLS: yes},
		"irc://irc.libera.chat":            {Host: "irc.libera.chat"},
		"irc+insecure://irc.libera.chat:1": {Host: "irc.libera.chat", Port: "1", TLS: no},
		"bücher.de":                        {Host: "xn--bcher-kva.de"},
		"пример.рф:6697":                   {Host: "xn--e1afmkfd.xn--p1ai", Port: "6697"},
		"2a03:5180::1":                     {Host: "2a03:5180::1"},
		"[2a03:5180::1]:6697":              {Host: "2a03:5180::1", Port: "6697"},
		"[2a03:5180::1]":                   {Host: "2a03:5180::1"},
		"93.184.216.34:6667":               {Host: "93.184.216.34", Port: "6667"},
	} {
		got := bouncer.ReadServer(typed)
		if got.Host != want.Host || got.Port != want.Port || (got.TLS == nil) != (want.TLS == nil) || got.TLS != nil && *got.TLS != *want.TLS {
			t.Errorf("%q is read as %+v", typed, got)
		}
	}
	for _, typed := range []string{"", "http://irc.libera.chat", "irc.libera.chat/path", "irc.libera.chat:port", "a b", "a\r\nQUIT", "irc+unix:///x", "ircs://", "user@host:1", "\xff"} {
		spec := good()
		spec.Host = bouncer.ReadServer(typed).Host
		if fault.FieldsOf(spec.Validate())["host"] == "" {
			t.Errorf("%q passes as %q", typed, spec.Host)
		}
	}
}

func TestNewNamesHaveNoDotsAndOldOnesStay(t *testing.T) {
	spec := good()
	spec.Name = "tilde.chat"
	if fault.FieldsOf(spec.ValidateChange(bouncer.Upstream{}))["name"] == "" || fault.FieldsOf(spec.ValidateChange(bouncer.Upstream{Name: "tilde"}))["name"] == "" {
		t.Error("a name that soju takes for a server passes")
	}
	if err := spec.ValidateChange(bouncer.Upstream{Name: "tilde.chat"}); err != nil {
		t.Errorf("the name that it has: %v", err)
	}
}

func TestChannelsAreAsManyAsABouncerCanJoin(t *testing.T) {
	spec := good()
	for i := range bouncer.MaxChannels + 1 {
		spec.Channels = append(spec.Channels, fmt.Sprintf("#c%d", i))
	}
	if fault.FieldsOf(spec.ValidateChange(bouncer.Upstream{}))["channels"] == "" {
		t.Errorf("%d channels pass", len(spec.Channels))
	}
	if err := spec.ValidateChange(bouncer.Upstream{Name: spec.Name, Channels: spec.Channels}); err != nil {
		t.Errorf("channels that were joined from a client: %v", err)
	}
	spec.Channels = spec.Channels[1:]
	if err := spec.ValidateChange(bouncer.Upstream{}); err != nil {
		t.Errorf("%d channels: %v", len(spec.Channels), err)
	}
}

func TestFingerprintsAreReadAsProgramsPrintThem(t *testing.T) {
	plain := strings.Repeat("0a", 32)
	for _, typed := range []string{plain, strings.ToUpper(plain), strings.TrimSuffix(strings.Repeat("0A:", 32), ":"), strings.Repeat("0a ", 32)} {
		if got, err := bouncer.ParseFingerprint(typed); err != nil || got != plain {
			t.Errorf("%q is read as %q, %v", typed, got, err)
		}
	}
	for _, typed := range []string{"0a", strings.Repeat("0a", 20), strings.Repeat("zz", 32), "sha-256:" + plain} {
		if _, err := bouncer.ParseFingerprint(typed); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", typed, err)
		}
	}
	spec := good()
	spec.TLS, spec.More = false, &bouncer.More{Pinned: plain}
	if fault.FieldsOf(spec.Validate())["pinned"] == "" {
		t.Error("a connection without a certificate has one pinned")
	}
}

func TestCommandsAndKeysAreRefusedWhereNoNetworkTakesThem(t *testing.T) {
	for _, command := range []string{"", " ", "/msg NickServ help", ":ada JOIN #x", "@a=b JOIN #x", "#linux", strings.Repeat("x", 401)} {
		spec := good()
		spec.More = &bouncer.More{Commands: []string{command}}
		if fault.FieldsOf(spec.Validate())["commands"] == "" {
			t.Errorf("%q passes", command)
		}
	}
	for _, key := range []string{"", "#x", "#x ", "key", "#x a b", "#x a,b", "#x :a", "#other key"} {
		spec := good()
		spec.Channels, spec.More = []string{"#x"}, &bouncer.More{Keys: []string{key}}
		if fault.FieldsOf(spec.Validate())["keys"] == "" {
			t.Errorf("%q passes", key)
		}
	}
	spec := good()
	spec.More = &bouncer.More{Commands: slices.Repeat([]string{"MODE ada +x"}, 21)}
	if fault.FieldsOf(spec.Validate())["commands"] == "" {
		t.Error("21 commands pass")
	}
	spec.More = &bouncer.More{Commands: slices.Repeat([]string{"PRIVMSG x :" + strings.Repeat("y", 300)}, 4)}
	if fault.FieldsOf(spec.Validate())["commands"] == "" {
		t.Error("more than a column holds passes")
	}
}

func TestKeysAreFoundAmongWhatSojuKeeps(t *testing.T) {
	commands, keys := []string{"MODE ada +x", "JOIN #open", "JOIN #a,#b k,l", "PRIVMSG NickServ :JOIN #x y"}, []string{"#closed s3cret", "&Local k"}
	gotCommands, gotKeys := bouncer.SplitCommands(bouncer.CommandsOf(commands, keys))
	if !slices.Equal(gotCommands, commands) || !slices.Equal(gotKeys, keys) {
		t.Errorf("commands %q, keys %q", gotCommands, gotKeys)
	}
}

func TestAPlanCountsWhatIsSwitchedOn(t *testing.T) {
	upstreams := []bouncer.Upstream{{Enabled: true, State: bouncer.Connected}, {State: bouncer.Disabled}, {Enabled: true, State: bouncer.Removing}, {Enabled: true, State: bouncer.Busy}}
	if got := bouncer.Counted(upstreams); got != 2 {
		t.Errorf("%d are counted", got)
	}
}
