// Package design owns how irc.now looks: tokens, components, the page layout and the files under /static/.
// It knows nothing of what a page is about, of sessions or of HTTP errors (package web has those).
//
// # A site and its pages
//
// A program parses its pages once and renders them into one shared layout:
//
//	//go:embed all:pages   (all: takes the _shared.html files along)
//	var files embed.FS
//
//	pages, err := design.New(design.Site{Name: "my", Home: landingURL, Nav: …}, files, "pages")
//	mux.Handle("GET /static/", design.Static())
//	err = pages.Render(w, http.StatusOK, "networks", design.Page{Title: "Networks", Body: data})
//
// Every pages/NAME.html is the page NAME: plain HTML that goes into <main>, executed with Page.Body as its
// dot ({{$}} too). It must hold exactly one <h1>. Files whose name begins with an underscore are no pages;
// what they {{define}} can be called from all pages of the set. [Set.Fragment] renders one {{define}}d
// block without the layout, for scripts that refresh a part of a page.
//
// The page "error" is built in ([Set.RenderError]); a set may bring its own error.html instead.
//
// # Components
//
// Components that take values are template functions. Those with few values take them in order, the others
// take name-value pairs, and an unknown name is an error. Each of them takes the Go struct instead, too:
//
//	{{nick "ada"}} {{channel "#irc.now"}} {{mode "+o"}} {{when .CreatedAt}}
//	{{status "ok" "Connected"}}              states: ok, busy, off, bad
//	{{message "time" "14:02" "nick" "ada" "text" "hello"}}     kinds: say, action, notice, join, part, topic, note
//	{{log "Last night in #irc.now" .Messages}}                   []design.Message
//	{{field "name" "nick" "label" "Nickname" "value" .Nick "error" (index .Errors "nick") "hint" "…"}}
//	{{field .NickField}}                                         a design.Field
//	{{button "text" "Save"}} {{button "text" "Remove" "kind" "danger"}} {{button "text" "Docs" "url" "/docs" "kind" "quiet"}}
//	{{alert "bad" "The handle “ada” is taken."}}                 kinds: info, ok, warn, bad
//	{{empty "title" "No networks yet" "text" "…" "action" "Add a network" "url" "/networks/new"}}
//	{{copy "label" "Password" "value" .Secret}}                  one line, with a copy button
//	{{snippet "label" "irssi" "text" .Commands}}                 many lines, with a copy button
//	{{external "https://soju.im" "soju"}}                        link to elsewhere
//	{{asset "js/networks.js"}}                                   address of a file under static/
//
// Components that hold other content are classes; the living page (functions/landing, /design) shows each:
//
//	<header class="page-head"><p class="eyebrow">…</p><h1>…</h1><p class="lede">…</p></header>
//	<section class="panel"><h2>…</h2>…</section>      a ruled block; panel-danger for what cannot be undone
//	<div class="split">…</div>                        two columns that become one on a phone
//	<div class="grid">…</div>                         as many columns as fit
//	<div class="stack">…</div>, <div class="row">…</div>   even space down, even space across (wraps)
//	<dl class="facts"><div><dt>Host</dt><dd><code>…</code></dd></div></dl>
//	<ul class="rows"><li class="row-item"><div>…</div><div class="actions">…</div></li></ul>
//	<div class="table"><table>…</table></div>         scrolls on its own; td data-label="…" stacks on a phone
//	<form class="form">…<div class="actions">…</div></form>
//	<article class="prose">…</article>                long text, set in Newsreader
//	<details class="disclosure"><summary>…</summary>…</details>
//	<span class="badge">Free</span>, badge-ok, badge-warn; <span class="muted">; <code>
//	<div class="narrow">…</div>                       a column for one form (sign in, pick a handle)
//	<span class="visually-hidden">…</span>
//
// # Rules for pages
//
// The Content-Security-Policy of package web allows no inline script and no inline style: no style
// attributes, no event handlers, no <style>. Scripts are modules under static/js, named in Page.Scripts;
// a page works without them unless it has a live part. Colours come from tokens only (static/css/tokens.css);
// every pair of tokens that is used as text on background is listed in contrast_test.go.
package design
