package local_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"irc.now/longrunning/local/servers/serverstest"
	"irc.now/shared/guide"
	"irc.now/tests/eventually"
	"irc.now/tests/terminal"
	"irc.now/tests/webclient"
)

// instructions are what the portal shows for one client, once, with the password filled in.
type instructions struct {
	page *webclient.Page
	text string // what is to be typed, or to be put into a file
	live string // where the page asks whether the client is in
}

// instructionsFor makes a password for a client and reads what the page says.
func (p *person) instructionsFor(client string) instructions {
	p.t.Helper()
	page := p.visit("/passwords").Submit(`[name="client"]`, webclient.Fields{"name": "laptop", "client": client})
	page.Says(http.StatusOK, "Waiting for your client")
	guide := page.Find("details[open]#" + client)
	text := guide.Find("pre code").Text()
	if text == "" {
		p.t.Fatalf("the page has nothing for %s:\n%s", client, page.Words("main"))
	}
	return instructions{page, text, page.Find("[data-live]").AttrOr("data-live", "")}
}

// awaitIn waits until the page itself says that the client is in.
func (p *person) awaitIn(i instructions) {
	p.t.Helper()
	eventually.Within(p.t, patience, func(context.Context) error {
		words := p.visit(i.live).Text()
		return eventually.True(strings.Contains(words, "You are in"), "the page says %q", words)
	})
}

// awaitNewestIn waits until the portal says that the client of the password that was made last is in.
func (p *person) awaitNewestIn() {
	p.t.Helper()
	eventually.Within(p.t, patience, func(context.Context) error {
		words := p.visit("/connect").Words(`[data-live-id="client"]`)
		return eventually.True(strings.Contains(words, "You are in"), "the page says %q", words)
	})
}

// onlooker is somebody else on the network, in a channel.
func onlooker(t *testing.T, channel string) *serverstest.Client {
	t.Helper()
	c := serverstest.Register(t, site.Network, "onlooker")
	c.Send("JOIN " + channel)
	c.Expect("366", channel)
	return c
}

// talks joins a channel from the client's input line and talks there with an onlooker, both ways.
func talks(t *testing.T, p *person, x *terminal.Terminal, channel string) {
	t.Helper()
	other := onlooker(t, channel)
	x.Type("/join " + channel)
	other.Expect("JOIN", channel)
	x.Type("hello from " + p.handle)
	other.Expect("PRIVMSG", "hello from "+p.handle)
	other.Send("PRIVMSG " + channel + " :welcome, " + p.handle + "-of-old")
	x.Shows("welcome, " + p.handle + "-of-old")
}

func TestTheGuideForIrssiWorks(t *testing.T) {
	irssi := terminal.Get(t, "irssi", "irssi", "sid", "trixie")
	for name, enter := range ways {
		t.Run(name, func(t *testing.T) {
			p := newcomer(t)
			p.joinLocalNetwork("")
			i, home := p.instructionsFor("irssi"), t.TempDir()
			x := terminal.Start(t, irssi, home, nil, nil)
			enter(x, i.text)
			p.awaitIn(i)
			talks(t, p, x, "#irssi-"+name)
			x.Type("/quit")
			x.Exits()
			// What was saved is enough for the next start.
			x = terminal.Start(t, irssi, home, nil, nil)
			x.Shows("SASL authentication succeeded")
		})
	}
}

// ways are how people get lines into a program.
var ways = map[string]func(x *terminal.Terminal, text string){
	"typed":  func(x *terminal.Terminal, text string) { x.Type(linesOf(text)...) },
	"pasted": func(x *terminal.Terminal, text string) { x.Paste(text); x.Press("\r") },
}

func linesOf(text string) []string { return strings.Split(strings.TrimSpace(text), "\n") }

// TestTheGuideForWeeChatWorks tries the last release that says ssl, and one that says tls.
func TestTheGuideForWeeChatWorks(t *testing.T) {
	for _, suite := range []string{"bookworm", "sid"} {
		for name, enter := range map[string]func(x *terminal.Terminal, text string){
			"typed": ways["typed"],
			"pasted": func(x *terminal.Terminal, text string) {
				x.Paste(text)
				x.Press(map[string]string{"bookworm": "\x19", "sid": "\r"}[suite])
			},
		} {
			t.Run(suite+" "+name, func(t *testing.T) {
				weechat := terminal.Get(t, "weechat", "weechat-curses", suite)
				p := newcomer(t)
				p.joinLocalNetwork("")
				i, home := p.instructionsFor("weechat"), t.TempDir()
				x := terminal.Start(t, weechat, home, nil, nil)
				enter(x, i.text)
				p.awaitIn(i)
				talks(t, p, x, "#weechat")
				x.Type("/quit")
				x.Exits()
				// The password is where the guide says, for nobody else to read.
				kept := found(t, home, "sec.conf", p.secretOf(i))
				if info, err := os.Stat(kept); err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%s: %v, %v", kept, info, err)
				}
				x = terminal.Start(t, weechat, home, nil, nil)
				x.Shows("#weechat")
			})
		}
	}
}

// secretOf is the password on the page.
func (p *person) secretOf(i instructions) string {
	p.t.Helper()
	return i.page.Find("main .copy input").AttrOr("value", "")
}

// found is the one file below home that holds text; it has to have that name.
func found(t *testing.T, home, name, text string) string {
	t.Helper()
	var holds []string
	err := filepath.WalkDir(home, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), text) {
			holds = append(holds, path)
		}
		return err
	})
	if err != nil || len(holds) != 1 || filepath.Base(holds[0]) != name {
		t.Fatalf("the password is in %q (%v), not in %s alone", holds, err, name)
	}
	return holds[0]
}

func TestTheGuideForSenpaiWorks(t *testing.T) {
	senpai := terminal.Get(t, "senpai", "senpai", "sid", "trixie")
	p := newcomer(t)
	p.joinLocalNetwork("")
	i, home := p.instructionsFor("senpai"), t.TempDir()
	putFile(t, home, guide.Guide{Label: i.page.Find("details[open] figcaption span").First().Text(), Text: i.text})
	x := terminal.Start(t, senpai, home, nil, nil)
	p.awaitIn(i)
	x.Shows(localUpstream)
	x.Type("/buffer " + localUpstream)
	talks(t, p, x, "#senpai")
}
