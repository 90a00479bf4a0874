package identity_test

import (
	"net/http"
	"strings"
	"testing"
)

// Whatever looks like somebody's address to a person must not make another account.
func TestAnAddressThatLooksTheSameMakesNoSecondAccount(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	w.browser().signUp(f, "bücher.ada@example.org")
	b := w.browser()
	for name, try := range map[string]struct{ email, want string }{
		"zero width space":   {"bücher.a\u200bda@example.org", "cannot be seen"},
		"trailing":           {"bücher.ada@example.org\u200b", "cannot be seen"},
		"soft hyphen":        {"bücher.ada\u00ad@example.org", "cannot be seen"},
		"joiner":             {"bücher.a\u200dda@example.org", "cannot be seen"},
		"direction":          {"bücher.\u202eada@example.org", "cannot be seen"},
		"variation selector": {"bücher.ada\ufe0f@example.org", "cannot be seen"},
		"grapheme joiner":    {"bücher.ada\u034f@example.org", "cannot be seen"},
		"Hangul filler":      {"bücher.ada\u3164@example.org", "cannot be seen"},
		"braille":            {"bücher.ada\u2800@example.org", "cannot be seen"},
		"tag":                {"bücher.ada\U000e0061@example.org", "cannot be seen"},
		"byte order mark":    {"\ufeffbücher.ada@example.org", "cannot be seen"},
		"no-break space":     {"bücher.a\u00a0da@example.org", "cannot be seen"},
		"full width":         {"bücher.ａda@example.org", "looks like"},
		"Cyrillic а":         {"bücher.аda@example.org", "looks like"},
		"dotted capital I":   {"bücher.ada@exampleİ.org", "looks like"},
		"ligature":           {"bücher.ada@eﬀ.org", "looks like"},
		"upper case":         {"BÜCHER.Ada@Example.ORG", "already"},
		"accent by itself":   {"bu\u0308cher.ada@example.org", "already"},
		"space around":       {"\u2003 bücher.ada@example.org\u00a0", "already"},
	} {
		page := b.submit(b.get(f.url("prompt", "create")), "email", try.email, "password", password)
		if page.status != http.StatusUnprocessableEntity || !strings.Contains(page.document.Find(".field-error").Text(), try.want) {
			t.Errorf("%s: %d %q", name, page.status, page.document.Find("main").Text())
		}
	}
	for _, typed := range []string{" BÜCHER.Ada@example.org", "bu\u0308cher.ada@EXAMPLE.org"} {
		own := w.browser()
		own.codeAt(own.submit(own.get(f.url()), "email", typed, "password", password), f)
	}
}

func TestAddressesOfAllLanguagesAreTaken(t *testing.T) {
	w := newWorld(t)
	f := w.portalFlow()
	for _, email := range []string{
		"o'hara+irc@example.org", "zoë@bücher.example", "иван@почта.рф", "ada@почта.рф", "田中@例え.jp", "θάλεια@example.gr", "अदा@example.in", "อาดา@example.th",
	} {
		w.browser().signUp(f, email)
	}
}
