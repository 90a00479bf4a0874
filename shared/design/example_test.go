package design_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing/fstest"

	"github.com/PuerkitoBio/goquery"

	"irc.now/shared/design"
)

// A program has its pages in an embedded folder; here they are a map.
func Example() {
	files := fstest.MapFS{
		"pages/_row.html": {Data: []byte(`{{define "row"}}<li class="row-item"><div>{{.}}</div></li>{{end}}`)},
		"pages/networks.html": {Data: []byte(`
			<header class="page-head"><h1>Networks</h1></header>
			<p>Signed in as {{nick .Handle}}. {{status "ok" "Connected"}}</p>
			<ul class="rows">{{range .Networks}}{{template "row" .}}{{end}}</ul>
			<form class="form" method="post" action="/networks">
				{{field "name" "nick" "label" "Nickname" "value" .Nick "error" (index .Errors "nick") "required" true}}
				<div class="actions">{{button "text" "Save"}}</div>
			</form>`)},
	}
	site := design.Site{Name: "my", Home: "http://irc.localhost:8080/", Nav: []design.Link{{Text: "Networks", URL: "/networks"}}}
	pages, err := design.New(site, files, "pages")
	if err != nil {
		fmt.Println(err)
		return
	}

	w := httptest.NewRecorder()
	err = pages.Render(w, http.StatusUnprocessableEntity, "networks", design.Page{
		Title: "Networks",
		Path:  "/networks",
		User:  &design.User{Handle: "ada", SignOut: "/auth/sign-out"},
		Body: struct {
			Handle, Nick string
			Networks     []string
			Errors       map[string]string
		}{"ada", "9lives", []string{"Libera.Chat"}, map[string]string{"nick": "A nickname cannot begin with a digit."}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	page, err := goquery.NewDocumentFromReader(w.Body)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(w.Code, page.Find("title").Text())
	fmt.Println(page.Find("nav [aria-current=page]").Text())
	fmt.Println(page.Find("#nick").AttrOr("aria-describedby", ""), "→", page.Find("#nick-error").Text())
	fmt.Println(strings.TrimSpace(page.Find(".row-item").Text()))
	// Output:
	// 422 Networks · irc.now
	// Networks
	// nick-error → A nickname cannot begin with a digit.
	// Libera.Chat
}
