package design

import (
	"fmt"
	"html/template"
	"reflect"
	"strings"
	"sync"

	"irc.now/shared/foreign"
)

// components are the templates behind the template functions by name, each parsed when it is first drawn: a page has few
// of them.
var components sync.Map

// madeOf are the components that others are made of.
var madeOf = map[string]string{"log": "message"}

func componentNamed(name string) (*template.Template, error) {
	if known, ok := components.Load(name); ok {
		return known.(*template.Template), nil //nolint:errcheck // nothing else is ever put in
	}
	const folder = "templates/components/"
	files := []string{folder + name + ".html"}
	if part, ok := madeOf[name]; ok {
		files = append(files, folder+part+".html")
	}
	t, err := template.New("").Funcs(template.FuncMap{"speech": speech, "nickclass": nickClass, "foreign": foreign.Text}).ParseFS(templates, files...)
	if err != nil {
		return nil, fmt.Errorf("parse component: %w", err)
	}
	kept, _ := components.LoadOrStore(name, t)
	return kept.(*template.Template), nil //nolint:errcheck // as above
}

// functions are what pages call. A component's function takes its struct, or name-value pairs that fill it.
var functions = template.FuncMap{
	"asset":    Asset,
	"preload":  preload,
	"nick":     func(name string) (template.HTML, error) { return drawCached("nick", name) },
	"channel":  func(name string) (template.HTML, error) { return drawCached("channel", name) },
	"foreign":  func(words string) (template.HTML, error) { return draw("foreign", words) },
	"mode":     func(mode string) (template.HTML, error) { return drawCached("mode", mode) },
	"when":     when,
	"status":   drawStatus,
	"alert":    drawAlert,
	"log":      func(caption string, m []Message) (template.HTML, error) { return draw("log", Log{caption, m}) },
	"message":  component[Message]("message"),
	"field":    component[Field]("field"),
	"button":   caching("button", component[Button]("button")),
	"empty":    component[Empty]("empty"),
	"copy":     component[Copy]("copy"),
	"snippet":  component[Snippet]("snippet"),
	"external": func(url, text string) (template.HTML, error) { return draw("external", Link{text, url}) },
}

// Field is one labelled form control. Its error and hint are tied to it for screen readers.
type Field struct {
	Name, Label  string
	Type         string // text (when empty), email, password, number, url, search, textarea, select, checkbox, hidden
	Value        string // of a checkbox: what is sent when it is checked; "on" when empty
	Hint         string // how to fill it in
	Error        string // what is wrong with what was sent
	Autocomplete string // see the HTML standard; "off" for IRC things, "current-password", "username", …
	Placeholder  string
	InputMode    string // numeric, url, …
	Pattern      string
	Min, Max     string // of a number
	MaxLength    int
	Options      []Option // of a select
	List         []string // suggestions for a text field
	Required     bool
	Optional     bool // says "optional" beside the label
	Checked      bool
	Autofocus    bool
	Mono         bool // for what is typed to machines: hosts, nicks, channels
	Disabled     bool
}

// ID is the control's id: its name.
func (f Field) ID() string { return f.Name }

// Describe lists the ids of hint and error for aria-describedby.
func (f Field) Describe() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.Name+"-hint")
	}
	if f.Error != "" {
		ids = append(ids, f.Name+"-error")
	}
	return strings.Join(ids, " ")
}

// Option is one choice of a select.
type Option struct {
	Value, Text string
	Group       string // options that follow each other with the same group stand under its heading
}

// Groups gives the options by heading, in order.
func (f Field) Groups() []OptionGroup {
	var groups []OptionGroup
	for _, o := range f.Options {
		if n := len(groups); n == 0 || groups[n-1].Name != o.Group {
			groups = append(groups, OptionGroup{Name: o.Group})
		}
		last := &groups[len(groups)-1]
		last.Options = append(last.Options, o)
	}
	return groups
}

// OptionGroup is the options of a select under one heading; no heading when Name is empty.
type OptionGroup struct {
	Name    string
	Options []Option
}

// Button is a button, or a link that looks like one when it has a URL.
type Button struct {
	Text        string
	Kind        string // primary (when empty), secondary, quiet, danger
	URL         string
	Name, Value string // what a form is told about which button was pressed
	Form        string // id of the form it belongs to when it stands outside
	Context     string // read out after the text: "Remove" + "Libera.Chat"
	Disabled    bool
}

// Empty says that there is nothing yet, and what to do about it.
type Empty struct{ Title, Text, Action, URL string }

// Copy is a value to take elsewhere.
type Copy struct {
	Label, Value string
	ID           string // made from the label when empty; must be unique on the page
}

// Snippet is text to take elsewhere, line by line as it is.
type Snippet struct {
	Label, Text string
	Blank       bool // something is to be put in first, so there is no button that copies it: it would take the place of just that in the clipboard
}

type statusView struct{ State, Word string }

type alertView struct{ Kind, Text string }

func drawStatus(state, word string) (template.HTML, error) {
	if !oneOf(state, "ok", "busy", "off", "bad") {
		return "", fmt.Errorf("no status is called %q", state)
	}
	return cached.get("status\x00"+state+"\x00"+word, func() (template.HTML, error) { return draw("status", statusView{state, word}) })
}

func drawAlert(kind, text string) (template.HTML, error) {
	if !oneOf(kind, "info", "ok", "warn", "bad") {
		return "", fmt.Errorf("no alert is called %q", kind)
	}
	return draw("alert", alertView{kind, text})
}

func oneOf(s string, choices ...string) bool {
	for _, c := range choices {
		if s == c {
			return true
		}
	}
	return false
}

// draw renders one component.
func draw(name string, data any) (template.HTML, error) {
	t, err := componentNamed(name)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.ExecuteTemplate(&b, name, data); err != nil {
		return "", fmt.Errorf("component %s: %w", name, err)
	}
	return template.HTML(b.String()), nil //nolint:gosec // the output of html/template, already escaped
}

// component makes the template function of the component name, whose values are the fields of T.
func component[T any](name string) func(arguments ...any) (template.HTML, error) {
	return func(arguments ...any) (template.HTML, error) {
		if len(arguments) == 1 {
			if value, ok := arguments[0].(T); ok {
				return draw(name, value)
			}
		}
		var value T
		if err := fill(reflect.ValueOf(&value).Elem(), arguments); err != nil {
			return "", fmt.Errorf("component %s: %w", name, err)
		}
		return draw(name, value)
	}
}

// fill sets the fields of target from name-value pairs. Names are those of the fields, in any case.
func fill(target reflect.Value, pairs []any) error {
	if len(pairs)%2 != 0 {
		return fmt.Errorf("a name without a value: %v", pairs)
	}
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return fmt.Errorf("%v is no name", pairs[i])
		}
		field := target.FieldByNameFunc(func(n string) bool { return strings.EqualFold(n, name) })
		if !field.IsValid() {
			return fmt.Errorf("it has no %q", name)
		}
		value := reflect.ValueOf(pairs[i+1])
		if !value.IsValid() || !value.CanConvert(field.Type()) || value.CanInt() && field.Kind() == reflect.String {
			return fmt.Errorf("%s cannot be %v", name, pairs[i+1])
		}
		field.Set(value.Convert(field.Type()))
	}
	return nil
}

// Ident is the id of the value's box.
func (c Copy) Ident() string {
	if c.ID != "" {
		return c.ID
	}
	return "copy-" + strings.Join(strings.Fields(strings.ToLower(c.Label)), "-")
}
