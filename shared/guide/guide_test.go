package guide_test

import (
	"strings"
	"testing"

	"irc.now/shared/guide"
)

var hosted = guide.Connection{Host: "irc.example.org", Port: 6697, TLS: true, Handle: "ada", Network: "libera", Password: "irc_x_y"}

// everything is all a guide says.
func everything(g guide.Guide) string {
	return strings.Join(append(g.Steps, g.About, g.Text, g.Note), "\n")
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
