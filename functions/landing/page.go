package landing

import (
	"net/http"
	"time"

	"irc.now/shared/account/plan"
	"irc.now/shared/design"
	"irc.now/shared/guide"
)

// page is one public page.
type page struct {
	path, name         string
	title, description string
	unlisted           bool // not for search engines
}

var publicPages = []page{
	{path: "/", name: "home", title: "An IRC bouncer you don’t have to run",
		description: "irc.now stays on IRC while you are away, keeps what was said, and hands it to whichever client you open next. Free for one network."},
	{path: "/docs", name: "docs-start", title: "Getting started",
		description: "From nothing to your own IRC bouncer in five minutes: sign up, add a network, make a connection password, connect."},
	{path: "/docs/passwords", name: "docs-passwords", title: "Connection passwords",
		description: "Each IRC client gets a password of its own, shown once and revocable. How they work, and what to do when one leaks."},
	{path: "/docs/networks", name: "docs-networks", title: "Networks and channels",
		description: "Add Libera.Chat, OFTC or any other IRC server to your bouncer, sign in with SASL, and join channels."},
	{path: "/docs/history", name: "docs-history", title: "History and several clients",
		description: "How irc.now keeps what was said while you were away, for how long, and how each of your clients catches up."},
	{path: "/clients", name: "clients", title: "Set up your client",
		description: "Ready-made settings for irssi, WeeChat, senpai, Halloy, HexChat, Textual, Goguma and Palaver."},
	{path: "/pricing", name: "pricing", title: "Pricing",
		description: "What the plans of irc.now include. Every account starts on the free one."},
	{path: "/faq", name: "faq", title: "Questions and answers",
		description: "What a bouncer is, who can read your messages, what happens when you leave, and other questions about irc.now."},
	{path: "/what-is-irc", name: "what-is-irc", title: "What is IRC?",
		description: "Internet Relay Chat in ten minutes: networks, channels, nicks and modes, and why it is still here after all these years."},
	{path: "/design", name: "design", title: "Design", unlisted: true,
		description: "Every component of the irc.now design system in all its states."},
}

// pattern is the page's pattern for http.ServeMux.
func (p page) pattern() string {
	if p.path == "/" {
		return "/{$}"
	}
	return p.path
}

func (p page) render(w http.ResponseWriter, s *settings, pages *design.Set) error {
	return pages.Render(w, http.StatusOK, p.name, design.Page{
		Title: p.title, Description: p.description, Path: p.path,
		Canonical: s.BaseURL.Join(p.path), NoIndex: p.unlisted,
		Body: contentFor(p, s),
	})
}

// content is what pages are filled with.
type content struct {
	Path         string
	Portal       string // where to sign up
	Billing      string // where to buy
	ProPrice     string // empty where nothing is for sale
	Connection   guide.Connection
	Guides       []guide.Guide
	Irssi        guide.Guide
	Free, Pro    plan.Entitlements
	MaxPasswords int
	MinHandle    int
	MaxHandle    int
	Unlimited    int
	Hours        int // that messages are kept
	Logs         map[string][]design.Message
	Docs         []design.Link
	Palette      []swatch
	Sample       time.Time
}

func contentFor(p page, s *settings) content {
	connection := s.connection()
	guides := guide.For(connection)
	irssi, _ := guide.Find(guides, "irssi")
	free := plan.EntitlementsFor(plan.Free)
	return content{
		Path: p.path, Portal: s.PortalURL.Join("/"), Billing: s.PortalURL.Join("/billing"), ProPrice: s.ProPrice,
		Connection: connection, Guides: guides, Irssi: irssi,
		Free: free, Pro: plan.EntitlementsFor(plan.Pro), MaxPasswords: plan.MaxPasswords,
		MinHandle: plan.MinHandle, MaxHandle: plan.MaxHandle,
		Unlimited: plan.Unlimited, Hours: int(free.Scrollback.Hours()),
		Logs: logs, Docs: docsNav, Palette: palette, Sample: time.Date(2026, 3, 7, 14, 2, 0, 0, time.UTC),
	}
}

var docsNav = []design.Link{
	{Text: "Getting started", URL: "/docs"},
	{Text: "Connection passwords", URL: "/docs/passwords"},
	{Text: "Networks and channels", URL: "/docs/networks"},
	{Text: "History and several clients", URL: "/docs/history"},
	{Text: "Set up your client", URL: "/clients"},
}
