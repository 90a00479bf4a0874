package design

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestSpeechSetsOffChannelsAddressesAndCode(t *testing.T) {
	var got []string
	for _, s := range speech("see #irc.now, or https://irc.now/docs. Say `/join #x`! 100% #1") {
		got = append(got, s.Kind+":"+s.Text)
	}
	want := "text:see |channel:#irc.now|text:, or |link:https://irc.now/docs|text:. Say |code:/join #x|text:! 100% #1"
	if strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
}

// The expression says what speech does, and is what it was.
func FuzzSpeechIsWhatTheExpressionSays(f *testing.F) {
	const letter = `0-9A-Za-z\x{aa}-\x{1fff}\x{2c00}-\x{2dff}\x{3040}-\x{d7ff}\x{f900}-\x{10ffff}`
	expression := regexp.MustCompile("`[^`]+`|https?://[^\\s<>]+[^\\s<>.,;:!?)]|#[" + letter + "][" + letter + "._-]*[" + letter + "]")
	for _, line := range []string{
		"", "`", "``", "```", "`a``b`", "``a`", "#", "#a", "#ab", "#a.", "#a.b.", "##ab", "#.ab", "#ä日", "#日", "#a…b", "#a\u2003b",
		"http://", "http://a", "http://ab", "http://a.", "http://ab...", "https://a.b/c?d#ef)", "xhttp://ab`c`", "http://a<b", "http://日本.",
		"hhttp://ab http://http://cd #ab#cd", "#a\xffb", "http://\xff\xff", "`\n`",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var got, want []string
		for _, s := range speech(line) {
			if s.Kind != "text" {
				got = append(got, s.Text)
			}
		}
		for _, part := range expression.FindAllString(line, -1) {
			want = append(want, strings.Trim(part, "`"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	})
}
