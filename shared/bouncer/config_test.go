package bouncer_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"irc.now/shared/bouncer"
	"irc.now/shared/bouncer/adminsocket"
	"irc.now/shared/config"
)

func bouncerSecret(text string) config.Secret { return config.Secret(text) }

func TestConfigRendersWhatItSays(t *testing.T) {
	c := bouncer.Config{
		Version: "0.11.1", Hostname: "soju.example", Title: `irc "now"`, Listen: []string{"irc+insecure://127.0.0.1:6667"},
		AdminSocket: "/run/soju/admin", IRCSocket: "/run/irc/soju", DatabaseURL: `postgres://u:p\w@h/db`, OAuthURL: "http://id:secret@127.0.0.1:1/x",
		MaxUserNetworks: 1, MessageExpiryDays: 2,
	}
	want := `hostname "soju.example"
title "irc \"now\""
listen "irc+insecure://127.0.0.1:6667"
listen "unix:///run/irc/soju"
accept-proxy-unix "true"
listen "unix+admin:///run/soju/admin"
db "postgres" "postgres://u:p\\w@h/db"
message-store "db"
auth "oauth2" "http://id:secret@127.0.0.1:1/x"
enable-user-on-auth "true"
max-user-networks "1"
message-expiry "2d"
`
	got, err := c.Render()
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
	c.Version = "0.9.0"
	if got, err = c.Render(); err != nil || strings.Contains(string(got), "message-expiry") || strings.Contains(string(got), "accept-proxy") {
		t.Errorf("soju 0.9 knows neither message-expiry nor accept-proxy-unix: %v\n%s", err, got)
	}
}

func TestConfigRefusesWhatALineCannotHold(t *testing.T) {
	for _, bad := range []string{"a\nlisten x", "a\rb", "a\x00b", "\xff"} {
		for _, c := range []bouncer.Config{
			{Hostname: bad}, {Title: bad}, {Listen: []string{bad}}, {AdminSocket: bad}, {IRCSocket: bad}, {MOTD: bad}, {TLSCert: bad, TLSKey: "k"},
			{DatabaseURL: config.Secret(bad)}, {OAuthURL: config.Secret(bad)},
		} {
			if _, err := c.Render(); err == nil || strings.Contains(err.Error(), bad) {
				t.Errorf("%+v: %v", c, err)
			}
		}
	}
}

// split reads a command by soju's documented rules (POSIX shell words: quotes of both kinds, backslash
// takes the next character), written anew here from them.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote rune
	started, escaped := false, false
	for _, r := range line {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped, started = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, started = r, true
		case quote == 0 && unicode.IsSpace(r):
			if started {
				words = append(words, word.String())
				word.Reset()
			}
			started = false
		default:
			word.WriteRune(r)
			started = true
		}
	}
	if quote != 0 || escaped {
		return nil, errors.New("the line does not end")
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}

func FuzzQuote(f *testing.F) {
	for _, seed := range []string{"", " ", `"`, `\`, `\"`, `'`, "a b", "ä\u2028ö", `" "`, "{", "#c", "\r\n", "\x00", "\xff"} {
		f.Add(seed, "second")
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		line, err := adminsocket.Line("word", first, second)
		sendable := func(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) }
		if err != nil {
			if sendable(first) && sendable(second) {
				t.Fatalf("%q, %q: %v", first, second, err)
			}
			return
		}
		if strings.ContainsAny(line, "\r\n\x00") {
			t.Fatalf("the line %q ends early", line)
		}
		words, err := split(line)
		if err != nil || len(words) != 3 || words[0] != "word" || words[1] != first || words[2] != second {
			t.Fatalf("%q, %q arrive as %q, %v", first, second, words, err)
		}
	})
}
