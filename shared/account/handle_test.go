package account_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/ergochat/irc-go/ircmsg"

	"irc.now/shared/account"
	"irc.now/shared/fault"
)

func TestHandlesThatAreAccepted(t *testing.T) {
	for typed, want := range map[string]account.Handle{
		"ada": "ada", "Ada": "ada", "  bob\t": "bob", "a1": "a1", "x-y": "x-y", "a-b-c-9": "a-b-c-9",
		"abcdefghijklmnop": "abcdefghijklmnop", "observer": "observer",
	} {
		if got, err := account.ParseHandle(typed); err != nil || got != want {
			t.Errorf("ParseHandle(%q) = %q, %v; want %q", typed, got, err, want)
		}
	}
}

func TestHandlesThatAreRefusedSayWhy(t *testing.T) {
	for typed, why := range map[string]string{
		"": "type a handle", "   ": "type a handle", "a": "at least", "abcdefghijklmnopq": "at most",
		"1ada": "starts with a letter", "-ada": "starts with a letter", "ada-": "end in a hyphen", "a--b": "two in a row",
		"xn--ada": "two in a row", "ada lovelace": "letters a to z", "ada_": "letters a to z", "ädä": "letters a to z",
		"ad\x00a": "letters a to z", "ada\r\nQUIT": "letters a to z", "\u212Aelvin": "letters a to z", "ada/net": "letters a to z",
		"ada@net": "letters a to z", "ada.net": "letters a to z", "'; DROP": "letters a to z",
		"www": "reserved", "My": "reserved", "admin": "reserved", "root": "reserved", "NickServ": "reserved",
		"bouncerserv": "reserved", "fooserv": "reserved", "soju-shared": "reserved", "ergo-x": "reserved", "chat": "reserved",
	} {
		_, err := account.ParseHandle(typed)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(fault.FieldsOf(err)["handle"], why) {
			t.Errorf("ParseHandle(%q): %v, want a sentence about %q", typed, err, why)
		}
	}
}

var dnsLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func FuzzParseHandle(f *testing.F) {
	for _, seed := range []string{"ada", "ADA", "a-b", "xn--a", "\u212A", "a\x00b", strings.Repeat("a", 70), "nickserv"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		handle, err := account.ParseHandle(typed)
		if err != nil {
			if handle != "" || !fault.Is(err, fault.Invalid) {
				t.Fatalf("ParseHandle(%q) = %q, %v", typed, handle, err)
			}
			return
		}
		name := string(handle)
		if !dnsLabel.MatchString(name) || strings.HasPrefix(name, "xn--") {
			t.Fatalf("%q is no DNS label", name)
		}
		if nuh, err := ircmsg.ParseNUH(name + "!u@h"); err != nil || nuh.Name != name || strings.ContainsAny(name, " ,*?.!@:#&\x00\r\n") {
			t.Fatalf("%q is no nickname: %v", name, err)
		}
		if again, err := account.ParseHandle(name); err != nil || again != handle {
			t.Fatalf("%q does not parse as itself: %q, %v", name, again, err)
		}
	})
}
