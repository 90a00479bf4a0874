// Package page is what every page of the portal is in: the frame with navigation and flash, the signed-in user, limits on
// changes, redirects that leave a note, and streams that keep a page up to date. It knows no area; areas are handed what
// they need of it.
//
// Trust begins here for who is asking: a handler that [Router.User] serves is given the account behind the session. What
// else a request holds is for the area to check.
package page

import (
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"

	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/design"
	"irc.now/shared/web"
)

// Area is a part of the portal: some pages, and the routes that lead to them.
type Area interface {
	// Templates holds the area's pages in a folder called pages. Names of pages are the whole portal's.
	Templates() fs.FS
	// Navigation is the area's entry; the zero Link where only other pages lead to it.
	Navigation() design.Link
	// Routes registers the area's routes.
	Routes(r *Router)
}

// Pages renders the pages of all areas. It is safe for concurrent use once they are served; see [Pages.Serve].
type Pages struct {
	set        *design.Set
	session    *auth.Auth
	navigation []design.Link
}

// New makes Pages without any area, in the frame of site. Parts holds, in a folder called pages, the templates that all
// areas share.
func New(site design.Site, parts fs.FS, session *auth.Auth) (*Pages, error) {
	set, err := design.New(site, parts, "pages")
	if err != nil {
		return nil, fmt.Errorf("read shared parts of pages: %w", err)
	}
	return &Pages{set: set, session: session, navigation: []design.Link{}}, nil
}

// add takes an area's pages and its entry in the navigation.
func (p *Pages) add(area Area) error {
	if link := area.Navigation(); link.URL != "" {
		p.navigation = append(p.navigation, link)
	}
	if err := p.set.Add(area.Templates(), "pages"); err != nil {
		return fmt.Errorf("read an area's pages: %w", err)
	}
	return nil
}

// View is a page for a signed-in user.
type View struct {
	Name   string // of the template
	Title  string
	Status int  // 200 where it is 0
	Live   bool // it has parts that a script keeps up to date
	Body   any  // the template's dot
}

// liveScripts are what a live page needs beside what all pages have.
var liveScripts = []string{"live"}

// Render writes a page for a signed-in user, with the note that the request before left.
func (p *Pages) Render(w http.ResponseWriter, r *http.Request, user account.User, v View) error {
	page := design.Page{Title: v.Title, Path: r.URL.Path, NoIndex: true, Body: v.Body}
	p.frame(&page, user)
	if kind, text, found := strings.Cut(p.session.TakeNote(r.Context(), "flash"), " "); found {
		page.Flash = &design.Flash{Kind: kind, Text: text}
	}
	if v.Live {
		page.Scripts = liveScripts
	}
	if v.Status == 0 {
		v.Status = http.StatusOK
	}
	return p.set.Render(w, v.Status, v.Name, page)
}

// frame puts the user into a page, and what they can reach.
func (p *Pages) frame(page *design.Page, user account.User) {
	page.User = &design.User{Handle: string(user.Handle), Email: user.Email, SignOut: auth.SignOutPath}
	page.Nav = []design.Link{}
	if user.Handle != "" {
		page.Nav = p.navigation
	}
}

// RenderVisitor writes a page for somebody who is not signed in.
func (p *Pages) RenderVisitor(w http.ResponseWriter, status int, name string, page design.Page) error {
	return p.set.Render(w, status, name, page)
}

// Fragment writes the block of a page without the frame, for the script that refreshes it.
func (p *Pages) Fragment(w http.ResponseWriter, name, block string, body any) error {
	return p.set.Fragment(w, http.StatusOK, name, block, body)
}

// HTML gives the block of a page.
func (p *Pages) HTML(name, block string, body any) (template.HTML, error) {
	return p.set.HTML(name, block, body)
}

// Done sends the browser on and has the next page say what happened.
func (p *Pages) Done(w http.ResponseWriter, r *http.Request, target, format string, args ...any) error {
	return p.redirect(w, r, target, "ok", fmt.Sprintf(format, args...))
}

// Inform sends the browser on and has the next page say why it is there.
func (p *Pages) Inform(w http.ResponseWriter, r *http.Request, target, text string) error {
	return p.redirect(w, r, target, "info", text)
}

func (p *Pages) redirect(w http.ResponseWriter, r *http.Request, target, kind, text string) error {
	p.session.Note(r.Context(), "flash", kind+" "+text)
	web.LocalRedirect(w, r, target)
	return nil
}

// formLimit bounds a posted form; the largest, an upstream's, stays far below.
const formLimit = 64 << 10

// Form reads a posted form into r.PostForm; see web.Form.
func Form(w http.ResponseWriter, r *http.Request) error { return web.Form(w, r, formLimit) }
