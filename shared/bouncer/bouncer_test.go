package bouncer_test

import (
	"bytes"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"irc.now/shared/bouncer"
	"irc.now/shared/fault"
)

func good() bouncer.UpstreamSpec {
	return bouncer.UpstreamSpec{Name: "libera", Host: "irc.libera.chat", Port: 6697, TLS: true}
}

func TestWellKnownNetworksAreValid(t *testing.T) {
	seen := map[string]bool{}
	for _, known := range bouncer.WellKnown {
		spec := bouncer.UpstreamSpec{Name: known.Slug(), Host: known.Host, Port: known.Port, TLS: known.TLS}
		err := errors.Join(spec.Validate(), spec.ValidateChange(bouncer.Upstream{}))
		if err != nil || seen[known.Slug()] || strings.ToLower(known.Slug()) != known.Slug() || known.URL == "" {
			t.Errorf("%s: %q, %v", known.Name, known.Slug(), err)
		}
		seen[known.Slug()] = true
	}
}

func TestEveryFieldAtFaultIsBlamed(t *testing.T) {
	spec := bouncer.UpstreamSpec{
		Name: "-flag", Host: "ircs://host", Port: 70000, Nick: "1st", RealName: "a\r\nb", SASLPassword: "p\x00q",
		SASLUsername: "x\ny", ServerPassword: "\xff", Channels: []string{"#fine", "not one"},
	}
	got := slices.Sorted(maps.Keys(fault.FieldsOf(spec.Validate())))
	want := []string{"channels", "host", "name", "nick", "port", "realname", "sasl_password", "sasl_username", "server_password"}
	if !slices.Equal(got, want) {
		t.Errorf("blamed %q, want %q", got, want)
	}
}

func TestControlCharactersAreRefusedInEveryField(t *testing.T) {
	for field, set := range map[string]func(*bouncer.UpstreamSpec, string){
		"name":            func(s *bouncer.UpstreamSpec, v string) { s.Name = "x" + v + "y" },
		"host":            func(s *bouncer.UpstreamSpec, v string) { s.Host = "irc" + v + ".example.org" },
		"nick":            func(s *bouncer.UpstreamSpec, v string) { s.Nick = "x" + v },
		"realname":        func(s *bouncer.UpstreamSpec, v string) { s.RealName = "x" + v },
		"sasl_username":   func(s *bouncer.UpstreamSpec, v string) { s.SASLUsername, s.SASLPassword = "x"+v, "p" },
		"server_password": func(s *bouncer.UpstreamSpec, v string) { s.ServerPassword = bouncerSecret(v) },
		"channels":        func(s *bouncer.UpstreamSpec, v string) { s.Channels = []string{"#x" + v} },
		"pinned":          func(s *bouncer.UpstreamSpec, v string) { s.More = &bouncer.More{Pinned: v} },
		"commands":        func(s *bouncer.UpstreamSpec, v string) { s.More = &bouncer.More{Commands: []string{"MODE x" + v}} },
		"keys": func(s *bouncer.UpstreamSpec, v string) {
			s.Channels, s.More = []string{"#x"}, &bouncer.More{Keys: []string{"#x y" + v}}
		},
	} {
		for _, bad := range []string{"\r", "\n", "\x00", "\r\nQUIT", "\x07", "\x7f", "\u0085", "\xc3"} {
			spec := good()
			set(&spec, bad)
			if fault.FieldsOf(spec.Validate())[field] == "" {
				t.Errorf("%s takes %q", field, bad)
			}
		}
	}
}

func TestPasswordsBelongToAccounts(t *testing.T) {
	spec := good()
	spec.SASLUsername = "ada"
	if fault.FieldsOf(spec.Validate())["sasl_password"] == "" {
		t.Error("an account without a password passes")
	}
	spec.KeepSASLPassword = true
	if err := spec.Validate(); err != nil {
		t.Errorf("keeping the password: %v", err)
	}
	spec.SASLUsername, spec.SASLPassword = "", "secret"
	if fault.FieldsOf(spec.Validate())["sasl_password"] == "" {
		t.Error("a password without an account passes")
	}
}

func TestOnlyThePublicInternetIsReached(t *testing.T) {
	for _, host := range []string{
		"127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3",
		"224.0.0.1", "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
		"::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "localhost", "LOCALHOST", "my.localhost", "printer.local",
		"postgres", "db.internal", "soju.default.svc", "irc.lan", "a.home.arpa", "192.0.2.1", "198.51.100.7",
		"203.0.113.9", "192.88.99.1", "2001:db8::1", "3fff::1", "100::1", "5f00::1", "2001:2::1", "4000::1", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "1.2.3.0x4",
		"fe80::1%eth0", "[::1]", "127.0.0.1.", "", ".", "a..b", "-a.example", "a_b.example", "bücher.example", "irc.example:6667",
		"user@irc.example", "irc.example/path", "irc.example?x", "/run/soju/admin", "unix:///run/x", "irc+unix://x",
	} {
		spec := good()
		spec.Host = host
		if fault.FieldsOf(spec.Validate())["host"] == "" {
			t.Errorf("%q passes", host)
		}
	}
	for _, host := range []string{"irc.oftc.net", "IRC.OFTC.net", "xn--bcher-kva.de", "93.184.216.34", "2a03:5180::1"} {
		spec := good()
		spec.Host = host
		if err := spec.Validate(); err != nil {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func TestNamesThatCannotBeInThePublicDNSAreRefused(t *testing.T) {
	for _, host := range []string{
		"kubernetes.default", "database-rw.irc-now", "x.corp", "irc.home", "x.mail", "x.onion", "X.ONION", "1.2.0.192.in-addr.arpa",
		"irc.test", "irc.invalid", "irc.example", "irc.example.com", "example.org", "x.alt", "notirc.corp", "irc.nosuchdomain",
	} {
		spec := good()
		spec.Host = host
		if fault.FieldsOf(spec.CheckRegistered("irc.corp"))["host"] == "" {
			t.Errorf("%q passes", host)
		}
	}
	own := bouncer.KnownUpstream{Name: "lab", Host: "lab.corp", Port: 6697, TLS: true}
	for _, host := range []string{
		"irc.oftc.net", "IRC.OFTC.net", "irc.co.uk", "irc.tilde.chat", "ada.github.io", "irc.foo.ck", "xn--bcher-kva.xn--p1ai", "93.184.216.34",
		"lab.corp", "ada.net.irc.corp", "irc.corp",
	} {
		spec := good()
		spec.Host = host
		if err := spec.CheckRegistered("irc.corp", own); err != nil {
			t.Errorf("%q: %v", host, err)
		}
	}
}

func TestTheOperatorsOwnNetworksMayBePrivate(t *testing.T) {
	own, err := bouncer.ParseKnown(" irc.now local=irc+insecure://127.0.0.1:6668 , lab=ircs://[::1]:6697,")
	if err != nil {
		t.Fatal(err)
	}
	if len(own) != 2 || own[0].Name != "irc.now local" || own[0].Slug() != "irc-now-local" || own[0].TLS || own[1].Host != "::1" || !own[1].TLS {
		t.Fatalf("own = %+v", own)
	}
	spec := bouncer.UpstreamSpec{Name: own[0].Slug(), Host: "127.0.0.1", Port: 6668}
	if err := spec.Validate(own...); err != nil {
		t.Error(err)
	}
	spec.Port = 5432
	if spec.Validate(own...) == nil {
		t.Error("another port of the same host passes")
	}
	for _, bad := range []string{"x", "=irc+insecure://127.0.0.1:1", "x=http://y", "x=irc+unix:///run/x"} {
		if _, err := bouncer.ParseKnown(bad); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestAddressesSurviveTheWayToSojuAndBack(t *testing.T) {
	for _, text := range []string{"ircs://irc.libera.chat:6697", "irc+insecure://127.0.0.1:6668", "ircs://[2001:db8::1]:6697"} {
		address, err := bouncer.ParseAddress(text)
		if err != nil || address.String() != text {
			t.Errorf("%s becomes %s, %v", text, address, err)
		}
	}
	for text, want := range map[string]string{
		"irc.example": "ircs://irc.example:6697", "irc.example:7000": "ircs://irc.example:7000",
		"irc+insecure://IRC.example": "irc+insecure://irc.example:6667", "[2001:db8::1]": "ircs://[2001:db8::1]:6697",
	} {
		if address, err := bouncer.ParseAddress(text); err != nil || address.String() != want {
			t.Errorf("%s becomes %s, %v", text, address, err)
		}
	}
}

func TestSecretsNeverReachALog(t *testing.T) {
	spec := good()
	spec.SASLPassword, spec.ServerPassword = "hunter2", "hunter2"
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("spec", "spec", spec, "error", spec.Validate())
	if strings.Contains(out.String(), "hunter2") {
		t.Error(out.String())
	}
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"irc.libera.chat", "ircs://[::1]:6697", "irc+insecure://127.0.0.1:1", "unix:///x", "ircs://a:b@c", "%zz", "ircs://h:99999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		address, err := bouncer.ParseAddress(text)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%q: %v is no Invalid fault", text, err)
			}
			return
		}
		again, err := bouncer.ParseAddress(address.String())
		if err != nil || again != address {
			t.Fatalf("%q became %+v, then %+v, %v", text, address, again, err)
		}
		if strings.ContainsAny(address.Host, " \r\n\x00/@?#%\"'\\") {
			t.Fatalf("%q gave the host %q", text, address.Host)
		}
	})
}
