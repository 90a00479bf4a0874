package design

import (
	"strings"
	"unicode/utf8"
)

// span is a piece of what was said. Kind is text, channel, link or code.
type span struct{ Kind, Text string }

// speech takes a line apart into what is set off and what is not. It is written by hand because a regular expression
// would take as long to compile as a page takes to render.
func speech(text string) []span {
	var spans []span
	plain := 0 // where the text begins that is not in spans yet
	for at := 0; at < len(text); {
		kind, size := setOff(text[at:])
		if size == 0 {
			at++ // all that is set off begins with ASCII
			continue
		}
		if plain < at {
			spans = append(spans, span{"text", text[plain:at]})
		}
		spans = append(spans, span{kind, strings.Trim(text[at:at+size], "`")})
		at += size
		plain = at
	}
	if plain < len(text) {
		spans = append(spans, span{"text", text[plain:]})
	}
	return spans
}

// setOff is what is set off at the beginning of text, in bytes; 0 where nothing is.
func setOff(text string) (kind string, size int) {
	switch text[0] {
	case '`':
		if end := strings.IndexByte(text[1:], '`'); end > 0 {
			return "code", end + 2
		}
	case '#':
		return "channel", channelSize(text)
	case 'h':
		for _, scheme := range []string{"https://", "http://"} {
			if rest, ok := strings.CutPrefix(text, scheme); ok {
				return "link", linkSize(scheme, rest)
			}
		}
	}
	return "", 0
}

// channelSize is a channel's: two letters or more, with dots, dashes and underscores in between.
func channelSize(text string) int {
	if first, _ := utf8.DecodeRuneInString(text[1:]); !isLetter(first) {
		return 0
	}
	run := text[1:]
	if end := strings.IndexFunc(run, func(c rune) bool { return !isLetter(c) && !strings.ContainsRune("._-", c) }); end >= 0 {
		run = run[:end]
	}
	run = strings.TrimRight(run, "._-")
	if utf8.RuneCountInString(run) < 2 {
		return 0
	}
	return len("#") + len(run)
}

// linkSize is an address's, without the punctuation of the sentence that it ends.
func linkSize(scheme, rest string) int {
	if end := strings.IndexAny(rest, "<> \t\r\n\f"); end >= 0 {
		rest = rest[:end]
	}
	rest = strings.TrimRight(rest, ".,;:!?)")
	if utf8.RuneCountInString(rest) < 2 {
		return 0
	}
	return len(scheme) + len(rest)
}

// isLetter takes letters and digits. Beyond ASCII these are all but the blocks of punctuation and symbols.
func isLetter(c rune) bool {
	switch {
	case c < utf8.RuneSelf:
		return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
	default:
		return 0xaa <= c && c < 0x2000 || 0x2c00 <= c && c < 0x2e00 || 0x3040 <= c && c < 0xd800 || 0xf900 <= c
	}
}
