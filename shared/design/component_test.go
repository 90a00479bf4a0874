package design

import (
	"html/template"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// draws executes source as a page and gives what it draws.
func draws(t *testing.T, source string, data any) (string, error) {
	t.Helper()
	page, err := template.New("").Funcs(functions).Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	err = page.Execute(&b, data)
	return b.String(), err
}

func TestValuesCannotBreakOut(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	for _, source := range []string{
		`{{nick .}}`, `{{channel .}}`, `{{mode .}}`, `{{status "ok" .}}`, `{{alert "bad" .}}`,
		`{{field "name" "x" "label" . "value" . "error" . "hint" . "placeholder" .}}`,
		`{{field "name" "x" "type" "textarea" "value" .}}`,
		`{{button "text" . "name" . "value" .}}`, `{{button "text" . "url" .}}`, `{{copy "label" . "value" .}}`, `{{snippet "label" . "text" .}}`,
		`{{empty "title" . "text" . "action" . "url" .}}`, `{{message "nick" . "text" . "time" .}}`, `{{external . .}}`,
	} {
		html, err := draws(t, source, evil)
		if err != nil || strings.Contains(html, "<script>") {
			t.Errorf("%s: %v\n%s", source, err, html)
		}
	}
	if html, err := draws(t, `{{external . "site"}}{{button "text" "go" "url" .}}`, "javascript:alert(1)"); err != nil || strings.Contains(html, "javascript:") {
		t.Errorf("a script got into a link: %v\n%s", err, html)
	}
}

func TestMistakesInPagesAreErrors(t *testing.T) {
	for _, source := range []string{
		`{{field "nickname" "x"}}`, `{{field "name"}}`, `{{field 1 2}}`, `{{field "maxlength" "many"}}`, `{{field "name" 65}}`,
		`{{status "fine" "x"}}`, `{{alert "red" "x"}}`, `{{message "kind" "shout"}}`, `{{when "today"}}`, `{{button "text" nil}}`,
	} {
		if html, err := draws(t, source, nil); err == nil {
			t.Errorf("%s draws %s", source, html)
		}
	}
}

func TestFieldTiesHintAndErrorToItsControl(t *testing.T) {
	html, err := draws(t, `{{field .}}`, Field{Name: "nick", Label: "Nickname", Hint: "h", Error: "e", Required: true, Mono: true, MaxLength: 30})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<label for="nick">`, `id="nick"`, `aria-describedby="nick-hint nick-error"`, `aria-invalid="true"`, `id="nick-error"`, `id="nick-hint"`,
		` required`, `maxlength="30"`, `spellcheck="false"`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("lacks %s:\n%s", want, html)
		}
	}
}

func TestSelectGroupsAndChooses(t *testing.T) {
	html, err := draws(t, `{{field .}}`, Field{Name: "n", Type: "select", Value: "b", Options: []Option{
		{"a", "A", "One"}, {"b", "B", "One"}, {"c", "C", ""},
	}})
	want := `<optgroup label="One"><option value="a">A</option><option value="b" selected>B</option></optgroup><option value="c">C</option>`
	if err != nil || !strings.Contains(html, want) {
		t.Errorf("%v\n%s", err, html)
	}
}

func TestNicksKeepTheirColour(t *testing.T) {
	if nickClass("Ada") != nickClass("ada") {
		t.Error("the colour depends on the case")
	}
	css, err := os.ReadFile("static/css/irc.css")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, nick := range strings.Fields("ada grace linus margaret anita barbara ken radia dennis edsger maren jonas pft wick ines tom alan joan jean betty kay") {
		class := nickClass(nick)
		seen[class] = true
		if !strings.Contains(string(css), "."+class+" ") {
			t.Errorf("there is no class %s", class)
		}
	}
	if len(seen) < nickColours/2 {
		t.Errorf("21 nicks share %d colours", len(seen))
	}
}

func TestWhenSaysNever(t *testing.T) {
	at := time.Date(2026, 3, 7, 15, 2, 0, 0, time.FixedZone("CET", 3600))
	for _, c := range []struct {
		value any
		want  string
	}{
		{at, `<time datetime="2026-03-07T14:02:00Z">7 Mar 2026, 14:02 UTC</time>`}, {&at, "14:02 UTC"},
		{time.Time{}, "never"}, {(*time.Time)(nil), "never"},
	} {
		if html, err := draws(t, `{{when .}}`, c.value); err != nil || !strings.Contains(html, c.want) {
			t.Errorf("%v: %v %s", c.value, err, html)
		}
	}
}

// Every class that a template names is styled or is a hook for a script.
func TestEveryClassIsStyled(t *testing.T) {
	css := get(Asset("app.css")).Body.String()
	components, err := fs.Glob(templates, "templates/components/*.html")
	if err != nil || len(components) == 0 {
		t.Fatalf("there are no components (%v)", err)
	}
	for _, file := range append(components, "templates/layout.html", "templates/pages/error.html") {
		source, err := templates.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, class := range classes(string(source)) {
			if !strings.Contains(css, "."+class) {
				t.Errorf("%s: the class %q has no style", file, class)
			}
		}
	}
}

var (
	control   = regexp.MustCompile(`{{(?:if|else|end|with|range)[^}]*}}`)
	computed  = regexp.MustCompile(`{{[^}]*}}`)
	classList = regexp.MustCompile(`class="([^"]*)"`)
)

// classes are the class names in a template, without those it computes.
func classes(source string) []string {
	var names []string
	source = computed.ReplaceAllString(control.ReplaceAllString(source, " "), "§")
	for _, m := range classList.FindAllStringSubmatch(source, -1) {
		for _, name := range strings.Fields(m[1]) {
			if !strings.Contains(name, "§") {
				names = append(names, name)
			}
		}
	}
	return names
}

func TestAPageThatFailsIsNotSent(t *testing.T) {
	pages, err := New(Site{}, fstest.MapFS{
		"p/ok.html":  {Data: []byte(`<h1>{{.}}</h1>{{define "part"}}<b>{{.}}</b>{{end}}`)},
		"p/bad.html": {Data: []byte(`<h1>Half</h1>{{.Missing}}`)},
	}, "p")
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := pages.Render(w, http.StatusOK, "bad", Page{Body: struct{}{}}); err == nil || w.Body.Len() > 0 {
		t.Errorf("error %v, %d bytes", err, w.Body.Len())
	}
	if err := pages.Render(w, http.StatusOK, "none", Page{}); err == nil {
		t.Error("rendered a page that does not exist")
	}
	if err := pages.Fragment(w, http.StatusOK, "ok", "part", "<"); err != nil || w.Body.String() != "<b>&lt;</b>" {
		t.Errorf("fragment: %v %s", err, w.Body)
	}
}

func TestASignedInVisitorIsShown(t *testing.T) {
	pages, err := New(Site{Action: &Link{Text: "Sign in", URL: "/in"}}, fstest.MapFS{"p/x.html": {Data: []byte("<h1>X</h1>")}}, "p")
	if err != nil {
		t.Fatal(err)
	}
	shown := func(p Page) string {
		w := httptest.NewRecorder()
		if err := pages.Render(w, http.StatusOK, "x", p); err != nil {
			t.Fatal(err)
		}
		return w.Body.String()
	}
	out := shown(Page{})
	in := shown(Page{User: &User{Handle: "ada", SignOut: "/auth/sign-out"}, Flash: &Flash{Kind: "ok", Text: "Saved."}, Scripts: []string{"live"}, Nav: []Link{{"Home", "/home"}}})
	if !strings.Contains(out, "Sign in") || strings.Contains(in, "Sign in") {
		t.Error("the sign-in button is for those who are signed out")
	}
	for _, want := range []string{`action="/auth/sign-out"`, ">ada<", "Saved.", "/js/live.js", `href="/home"`} {
		if !strings.Contains(in, want) {
			t.Errorf("lacks %s", want)
		}
	}
}

func TestPagesAreParsedWhenFirstShown(t *testing.T) {
	pages, err := New(Site{}, fstest.MapFS{
		"p/fine.html": {Data: []byte(`<h1>Fine</h1>`)}, "p/open.html": {Data: []byte(`{{if .}}`)}, "p/call.html": {Data: []byte(`{{nocall}}`)},
	}, "p")
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := pages.Render(w, http.StatusOK, "fine", Page{}); err != nil || !strings.Contains(w.Body.String(), "<h1>Fine</h1>") {
		t.Errorf("a page beside broken ones: %v\n%s", err, w.Body)
	}
	if err := pages.Render(w, http.StatusOK, "open", Page{}); err == nil {
		t.Error("rendered a page that cannot be parsed")
	}
	if err := pages.Parse(); err == nil || !strings.Contains(err.Error(), "p/open.html") || !strings.Contains(err.Error(), "p/call.html") {
		t.Errorf("Parse does not name what is broken: %v", err)
	}
}

func TestPagesOfSeveralFoldersShareTheFirstOnesParts(t *testing.T) {
	set, err := New(Site{}, fstest.MapFS{"pages/_parts.html": {Data: []byte(`{{define "part"}}<p>shared</p>{{end}}`)}}, "pages")
	if err != nil {
		t.Fatal(err)
	}
	area := fstest.MapFS{"pages/area.html": {Data: []byte(`{{template "part"}}`)}}
	if err := set.Add(area, "pages"); err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	if err := set.Render(answer, 200, "area", Page{}); err != nil || !strings.Contains(answer.Body.String(), "<p>shared</p>") {
		t.Errorf("%v: %s", err, answer.Body)
	}
	if err := set.Add(area, "pages"); err == nil {
		t.Error("a page was replaced by another one of its name")
	}
}

func TestWhatIsKeptOfAPageIsNobodyElses(t *testing.T) {
	set, err := New(Site{Action: &Link{"Sign in", "/in"}, Nav: []Link{{"Docs", "/docs"}}}, fstest.MapFS{"pages/home.html": {Data: []byte(`<p>{{.}}</p>`)}}, "pages")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // made anew, then kept
		for _, c := range []struct {
			page  Page
			holds []string
			not   []string
		}{
			{Page{Title: "One", Body: "a&b"}, []string{"<title>One", "Sign in", "/docs", "<p>a&amp;b</p>"}, []string{"Sign out"}},
			{Page{Title: "Two", User: &User{Handle: "ada", SignOut: "/out"}, Nav: []Link{{"Mine", "/mine"}}}, []string{"<title>Two", "ada", "/out", "/mine"}, []string{"Sign in", "/docs", "eve"}},
			{Page{Title: "Two", User: &User{Handle: "eve", SignOut: "/out"}, Nav: []Link{}}, []string{"eve"}, []string{"ada", "/mine", "/docs"}},
			{Page{Title: "Two", User: &User{}, Scripts: []string{"live"}}, []string{"js/live.js"}, []string{"Sign in", "ada", "eve"}},
			{Page{Title: "Two", Flash: &Flash{"warn", "<careful>"}, Body: template.HTML("<b>made before</b>")}, []string{"&lt;careful&gt;", "<b>made before</b>"}, []string{"<p><b>", "js/live.js"}},
		} {
			answer := httptest.NewRecorder()
			if err := set.Render(answer, http.StatusOK, "home", c.page); err != nil {
				t.Fatal(err)
			}
			for _, text := range c.holds {
				if !strings.Contains(answer.Body.String(), text) {
					t.Errorf("the page of %+v does not hold %q:\n%s", c.page, text, answer.Body)
				}
			}
			for _, text := range c.not {
				if strings.Contains(answer.Body.String(), text) {
					t.Errorf("the page of %+v holds %q", c.page, text)
				}
			}
		}
	}
}
