package network_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"irc.now/shared/config"
	"irc.now/shared/network"
)

var update = flag.Bool("update", false, "write the golden files anew")

func full() network.Config {
	return network.Config{
		Name: "TestNet", ServerName: "irc.example.org", Listen: []string{"127.0.0.1:6667"},
		ListenTLS:       []network.TLSListener{{Address: ":6697", Cert: "/tls/tls.crt", Key: "/tls/tls.key"}},
		ListenWebSocket: []string{":8097"}, Proxies: []string{"10.1.0.0/16", "10.2.0.1"},
		API:     network.API{Listen: ":8089", Tokens: []config.Secret{network.APIToken("key", "n")}},
		DataDir: "/var/lib/ergo", MOTD: "/etc/ergo/motd.txt",
		Opers:  []network.Oper{{Name: "owner", PasswordHash: "$2a$04$VZyAqFwBqgTEBQ4vAgjqoOx8JDxvlgO1H3rV1uYYtQ0RCcQ4JMpWW"}},
		Exempt: []string{"10.0.0.0/8"}, MaxClients: 50,
		History: network.History{DatabaseURL: "postgresql://u:p@h/d", Expiry: 48 * time.Hour},
	}
}

func TestTheWholeConfigurationRenders(t *testing.T) {
	got, err := full().Render()
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/full.yaml"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(got) != string(want) {
		t.Errorf("%v: differs from %s (write it anew with -update):\n%s", err, golden, got)
	}
}

func TestTheEnvironmentCannotChangeTheConfiguration(t *testing.T) {
	data, err := full().Render()
	if err != nil {
		t.Fatal(err)
	}
	var read map[string]any
	if err := yaml.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	if read["allow-environment-overrides"] != false {
		t.Error("any variable of the environment may change the configuration")
	}
}

func TestHostileValuesAreRefused(t *testing.T) {
	for name, edit := range map[string]func(*network.Config, string){
		"name":        func(c *network.Config, v string) { c.Name = v },
		"server name": func(c *network.Config, v string) { c.ServerName = v },
		"listener":    func(c *network.Config, v string) { c.Listen = []string{v} },
		"certificate": func(c *network.Config, v string) { c.ListenTLS[0].Cert = v + "\n" },
		"web":         func(c *network.Config, v string) { c.ListenWebSocket = []string{v} },
		"proxy":       func(c *network.Config, v string) { c.Proxies = []string{v} },
		"API":         func(c *network.Config, v string) { c.API.Listen = v },
		"token":       func(c *network.Config, v string) { c.API.Tokens = []config.Secret{config.Secret(v)} },
		"exempt":      func(c *network.Config, v string) { c.Exempt = []string{v} },
		"oper":        func(c *network.Config, v string) { c.Opers[0].Name = v },
		"hash":        func(c *network.Config, v string) { c.Opers[0].PasswordHash = v },
	} {
		for _, bad := range []string{"", "a b", "x\ny: z", "{}", "- x", "\x00", "ä", strings.Repeat("x", 300)} {
			c := full()
			edit(&c, bad)
			if _, err := c.Render(); err == nil {
				t.Errorf("%s takes %q", name, bad)
			}
		}
	}
}

func TestWhatIsNeededIsAskedFor(t *testing.T) {
	for name, c := range map[string]network.Config{
		"nothing":  {},
		"listener": {Name: "n", ServerName: "n.example", DataDir: "/d"},
		"folder":   {Name: "n", ServerName: "n.example", Listen: []string{":6667"}},
	} {
		if _, err := c.Render(); err == nil {
			t.Errorf("%s is missing, yet it renders", name)
		}
	}
}
