package design

// Site is what all pages of one program share. It does not change after New.
type Site struct {
	Name   string // short name beside the wordmark: "my", "auth"; empty on the landing site
	Home   string // address of the landing site, behind the wordmark; "/" when empty
	Nav    []Link // main navigation, also what a signed-out visitor sees
	Action *Link  // the one button at the end of the navigation for signed-out visitors; nil for none
	Footer []Link
}

// Link is a text that leads somewhere.
type Link struct{ Text, URL string }

// Page is one response: what the layout needs to know, and the page's own data.
type Page struct {
	Title       string   // of the document, without the site's name
	Description string   // one sentence for search engines and previews; may be empty on private pages
	Path        string   // path of the request; marks the current link in the navigation
	Canonical   string   // absolute address for search engines; empty leaves it out
	User        *User    // nil for signed-out visitors
	Nav         []Link   // replaces Site.Nav where not nil: a signed-in user's navigation. It must not change any more
	Flash       *Flash   // shown once, at the top
	Scripts     []string // likewise
	NoIndex     bool     // private pages and error pages: keeps search engines away
	Body        any      // the page's own data: its dot; or the main part as [Set.HTML] rendered it
}

// User is the signed-in visitor as the layout shows them.
type User struct {
	Handle  string // empty until picked
	Email   string
	SignOut string // address the sign-out button posts to
}

// Flash is a message about what just happened.
type Flash struct {
	Kind string // info, ok, warn, bad
	Text string
}

// Links is the navigation to show.
func (v view) Links() []Link {
	if v.Nav != nil {
		return v.Nav
	}
	return v.Site.Nav
}
