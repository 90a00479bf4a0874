package identity

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"irc.now/shared/fault"
)

// maxEmail is the longest address SMTP can carry (RFC 5321 section 4.5.3.1).
const maxEmail = 254

// foldEmail makes one text of those that are the same address to whoever types it: letters in lower case, accents within
// their letters. Upper case beyond ASCII folds only where nothing but the case is lost: the dotted İ does not become an i.
func foldEmail(typed string) string {
	return strings.Map(func(r rune) rune {
		if lower := unicode.ToLower(r); r < utf8.RuneSelf || lower >= utf8.RuneSelf {
			return lower
		}
		return r
	}, norm.NFC.String(strings.TrimSpace(typed)))
}

// parseEmail gives the address as it is stored: folded, without a display name. No two that it takes look the same for
// want of something to see, or since one is made of another's look-alikes.
func parseEmail(typed string) (string, error) {
	text := foldEmail(typed)
	address, err := mail.ParseAddress(text)
	if err != nil || address.Address != text || len(text) > maxEmail || strings.ContainsAny(text, "\"\\ \x00\r\n") {
		return "", fault.New(fault.Invalid, "Enter an e-mail address like name@example.org.")
	}
	if strings.ContainsFunc(text, unseen) {
		return "", fault.New(fault.Invalid, "This e-mail address holds a character that cannot be seen. Type it in by hand.")
	}
	if norm.NFKC.String(text) != text || strings.ContainsFunc(text, unfoldable) || mixed(text) {
		return "", fault.New(fault.Invalid, "This e-mail address holds a character that looks like another one. Type it in by hand.")
	}
	return text, nil
}

// braille is a pattern without dots, which unicode counts among the symbols.
const braille = '\u2800'

// unseen finds what nobody sees: controls, formats, spaces, fillers, and what only changes its neighbour.
func unseen(r rune) bool {
	return !unicode.IsPrint(r) || r == braille ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Me)
}

// unfoldable finds capitals that foldEmail leaves alone; PostgreSQL folds them by rules of its own.
func unfoldable(r rune) bool {
	return unicode.IsUpper(r) || unicode.IsTitle(r) || unicode.ToLower(r) != r
}

// scripts are those whose letters pass for one another's.
var scripts = []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian, unicode.Cherokee}

// mixed reports whether a word of the address has letters of several scripts that look alike. Words end at what is no
// letter, digit or mark.
func mixed(address string) bool {
	words := strings.FieldsFunc(address, func(r rune) bool { return !unicode.In(r, unicode.L, unicode.N, unicode.M) })
	for _, word := range words {
		count := 0
		for _, script := range scripts {
			if strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(script, r) }) {
				count++
			}
		}
		if count > 1 {
			return true
		}
	}
	return false
}
