package foreign_test

import (
	"testing"

	"irc.now/shared/foreign"
)

func TestWhatTurnsOrHidesTextIsNotShown(t *testing.T) {
	for words, want := range map[string]string{
		"Closing Link: \u202egro.live@ada": "Closing Link: gro.live@ada",
		"\u2066a\u2069\u200e\u200f\u061cb": "ab",
		"one\r\ntwo\tthree":                "one  two three",
		"\x02bold\x0f \x1b[31m":            "bold [31m",
		"zero\u200bwidth\ufeff\u00ad":      "zerowidth",
		"line\u2028break\u2029":            "linebreak",
		"broken\xff":                       "broken\ufffd",
		"":                                 "",
	} {
		if got := foreign.Text(words); got != want {
			t.Errorf("%q is shown as %q, want %q", words, got, want)
		}
	}
}

func TestWhatIsSeenStays(t *testing.T) {
	for _, words := range []string{
		"plain", "téléphone", "שלום", "مرحبا", "می\u200cخواهم", "👩\u200d💻", "#канал", "it said � once", "a  b",
	} {
		if got := foreign.Text(words); got != words {
			t.Errorf("%q is shown as %q", words, got)
		}
	}
}
