// Package foreign makes words fit to be shown that others chose: IRC networks, their people, and whoever was in an account
// once. It changes how they look, never what they mean: names that are sent back to where they came from stay as they are.
package foreign

import (
	"strings"
	"unicode"
)

// Text is what can be shown of words: without the characters that turn the direction of the text around them, without
// other invisible ones, and in one line.
func Text(words string) string {
	words = strings.ToValidUTF8(words, "\ufffd")
	if !strings.ContainsFunc(words, disguises) {
		return words
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case disguises(r):
			return -1
		default:
			return r
		}
	}, words)
}

// TurnsText reports whether a character is one of those that turn the direction of the text around them.
func TurnsText(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }

// disguises reports whether a character is not seen and changes what is. The joiners are part of words in several
// scripts, and of emoji.
func disguises(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) && r != joiner && r != nonJoiner
}
