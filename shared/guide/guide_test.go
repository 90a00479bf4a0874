package guide_test

import (
	"strings"
	"testing"

	"irc.now/shared/guide"
)

var hosted = guide.Connection{Host: "irc.example.org", Port: 6697, TLS: true, Handle: "ada", Network: "libera", Password: "irc_x_y"}

// everything is all a guide says.
func everything(g guide.Guide) string {
	return strings.Join(append(g.Steps, g.About, g.Text, g.Note, g.Then), "\n")
}

func TestEveryGuideSaysHowToSignIn(t *testing.T) {
	ids := map[string]bool{}
	for _, g := range guide.For(hosted) {
		text := everything(g)
		for _, want := range []string{"irc.example.org", "6697", "irc_x_y", g.Username} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q", g.Name, want)
			}
		}
		if ids[g.ID] || !strings.HasPrefix(g.URL, "https://") || g.Platform == "" || len(g.Steps) == 0 {
			t.Errorf("%s: %+v", g.Name, g)
		}
		ids[g.ID] = true
	}
}

func TestPlaceholdersStandForWhatIsMissing(t *testing.T) {
	for _, g := range guide.For(guide.Connection{Host: "localhost", Port: 6667}) {
		text := everything(g)
		if !strings.Contains(text, "HANDLE") || !strings.Contains(text, "CONNECTION-PASSWORD") {
			t.Errorf("%s lacks placeholders:\n%s", g.Name, text)
		}
		if !g.Blank {
			t.Errorf("%s is said to be finished:\n%s", g.Name, g.Text)
		}
	}
	for _, g := range guide.For(hosted) {
		if g.Blank {
			t.Errorf("%s is said to be unfinished:\n%s", g.Name, g.Text)
		}
	}
}

func TestEveryGuideEndsInAChannel(t *testing.T) {
	with := func(lobby string, channels ...string) guide.Connection {
		c := hosted
		c.Lobby, c.Channels = lobby, channels
		return c
	}
	for want, c := range map[string]guide.Connection{
		"#libera": with("#libera"), "#channel": with(""), "in #a, #b already": with("#libera", "#a", "#b"),
		"in 6 channels already": with("", "#1", "#2", "#3", "#4", "#5", "#6"),
	} {
		for _, g := range guide.For(c) {
			if !strings.Contains(g.Then, want) {
				t.Errorf("%s does not say %q but %q", g.Name, want, g.Then)
			}
		}
	}
}

func TestUnencryptedConnectionsAreSaidSo(t *testing.T) {
	plain := hosted
	plain.TLS, plain.Host, plain.Port = false, "localhost", 6667
	for id, want := range map[string]string{
		"irssi": "-notls", "weechat": "-notls", "senpai": "irc+insecure://localhost:6667", "halloy": "use_tls = false",
		"goguma": "a phone cannot reach it", "palaver": "Secure connection: off",
	} {
		g, ok := guide.Find(guide.For(plain), id)
		if !ok || !strings.Contains(everything(g), want) {
			t.Errorf("%s does not say %q:\n%s", id, want, everything(g))
		}
	}
	if _, ok := guide.Find(nil, "mirc"); ok {
		t.Error("found a guide among none")
	}
}

func TestUsernameNamesNetworkAndDevice(t *testing.T) {
	if got := hosted.UsernameFor("phone"); got != "ada/libera@phone" {
		t.Errorf("UsernameFor = %q", got)
	}
}
