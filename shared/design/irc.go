package design

import (
	"fmt"
	"hash/fnv"
	"html/template"
	"strings"
	"time"
)

// nickColours is how many colours nicks are spread over; static/css/irc.css has one class for each.
const nickColours = 12

// Message is one line of a channel as an IRC client shows it.
type Message struct {
	Time      string // as it is shown, "14:02"; empty leaves the column empty
	Kind      string // say (when empty), action, notice, join, part, topic, note (a line by the client itself)
	Nick      string
	Prefix    string // "@", "+": the sender's rank in the channel
	Text      string // #channels, addresses and `code` in it are set off
	Highlight bool   // it mentions the reader
}

// Log is the lines of one channel with a caption for those who cannot see them.
type Log struct {
	Caption  string
	Messages []Message
}

// Line is the CSS class of the message's kind.
func (m Message) Line() (string, error) {
	if m.Kind == "" {
		return "say", nil
	}
	if !oneOf(m.Kind, "say", "action", "notice", "join", "part", "topic", "note") {
		return "", fmt.Errorf("no message kind is called %q", m.Kind)
	}
	return m.Kind, nil
}

// nickClass gives a nick its colour: the same nick has the same one everywhere, in any case.
func nickClass(nick string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.ToLower(nick))) // never fails
	return fmt.Sprintf("nick-%d", h.Sum32()%nickColours)
}

// when shows a moment in UTC: "22 Nov 2026, 03:20 UTC"; "never" for a nil or zero time.
func when(value any) (template.HTML, error) {
	var t time.Time
	switch v := value.(type) {
	case time.Time:
		t = v
	case *time.Time:
		if v != nil {
			t = *v
		}
	default:
		return "", fmt.Errorf("when: %T is no time", value)
	}
	return draw("when", t.UTC())
}
