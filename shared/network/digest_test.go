package network_test

import (
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"irc.now/shared/config"
	"irc.now/shared/network"
)

func TestWhatNeedsAStartIsToldFromWhatNeedsARehash(t *testing.T) {
	for name, c := range map[string]struct {
		edit  func(*network.Config)
		start bool
	}{
		"nothing":       {func(*network.Config) {}, false},
		"name":          {func(c *network.Config) { c.Name = "Other" }, false},
		"cap":           {func(c *network.Config) { c.MaxClients = 7 }, false},
		"operator":      {func(c *network.Config) { c.Opers = nil }, false},
		"certificate":   {func(c *network.Config) { c.ListenTLS[0].Cert = "/other" }, false},
		"server name":   {func(c *network.Config) { c.ServerName = "other.example" }, true},
		"data":          {func(c *network.Config) { c.DataDir = "/other" }, true},
		"database":      {func(c *network.Config) { c.History.DatabaseURL = "postgresql://u:q@h/d" }, true},
		"in memory":     {func(c *network.Config) { c.History.DatabaseURL = "" }, true},
		"listener":      {func(c *network.Config) { c.Listen = nil }, true},
		"web listener":  {func(c *network.Config) { c.ListenWebSocket = nil }, true},
		"kind":          {func(c *network.Config) { c.Listen, c.ListenWebSocket = c.ListenWebSocket, c.Listen }, true},
		"API's address": {func(c *network.Config) { c.API.Listen = ":1" }, true},
		"API's token":   {func(c *network.Config) { c.API.Tokens[0] += "x" }, true},
	} {
		before, after := full(), full()
		c.edit(&after)
		if changed := startDigest(t, before) != startDigest(t, after); changed != c.start {
			t.Errorf("%s: a start is asked for: %t", name, changed)
		}
		if name != "nothing" && digest(t, before, "") == digest(t, after, "") {
			t.Errorf("%s: the digest stays", name)
		}
	}
	if digest(t, full(), "a") == digest(t, full(), "b") {
		t.Error("another message of the day has the same digest")
	}
}

func startDigest(t *testing.T, c network.Config) string {
	t.Helper()
	d, err := c.StartDigest()
	if err != nil || len(d) != 64 {
		t.Fatalf("%q, %v", d, err)
	}
	return d
}

func digest(t *testing.T, c network.Config, motd string) string {
	t.Helper()
	d, err := c.Digest(motd)
	if err != nil || len(d) != 64 {
		t.Fatalf("%q, %v", d, err)
	}
	return d
}

func TestTokensBelongToOneNameAndOneState(t *testing.T) {
	key := config.Secret("key")
	seen := map[config.Secret]bool{}
	for _, token := range []config.Secret{
		network.APIToken(key, "a"), network.APIToken(key, "b"), network.APIToken("other", "a"),
		network.ProofToken(key, "a"), network.ProofToken(network.APIToken(key, "a"), "a"),
	} {
		if len(token) < 32 || seen[token] {
			t.Errorf("%q is short or known", token.Reveal())
		}
		seen[token] = true
	}
	if network.APIToken("", "a") != "" {
		t.Error("a token without a key")
	}
}

func TestOnlyPasswordsThatAMessageCanCarryAreUsable(t *testing.T) {
	for password, want := range map[string]bool{
		"correct-horse": true, "a:b": true, "": false, ":a": false, "a b": false, "a\n": false, "ä": false,
		strings.Repeat("x", 72): true, strings.Repeat("x", 73): false,
	} {
		if got := network.UsablePassword(config.Secret(password)); got != want {
			t.Errorf("%q: %t", password, got)
		}
	}
}

func TestAHashThatTakesTooLongIsNone(t *testing.T) {
	for cost, want := range map[int]bool{bcrypt.MinCost: true, bcrypt.DefaultCost: true, bcrypt.DefaultCost + 1: false} {
		hash, err := bcrypt.GenerateFromPassword([]byte("correct-horse"), cost)
		if err != nil {
			t.Fatal(err)
		}
		if got := network.PasswordMatches(string(hash), "correct-horse"); got != want {
			t.Errorf("cost %d: %v", cost, got)
		}
	}
	const aDay = "$2a$31$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
	if network.PasswordMatches(aDay, "correct-horse") {
		t.Error("it matches")
	}
}
