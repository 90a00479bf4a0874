package design

import (
	"bytes"
	"html/template"
)

// view is the dot of the frame's templates.
type view struct {
	Page
	Site Site
	Name string // of the page, as a hook for CSS
}

// frame is what stands above and below the part of a page that differs between visitors: half of what a page costs
// to render, and the same again and again.
type frame struct{ top, bottom template.HTML }

// frameKey is all of a view that the templates "top" and "bottom" show; a title may hold what a user typed.
type frameKey struct {
	name, title, description, path, canonical string

	noIndex bool
	scripts identity[string]
	links   identity[Link]
}

// identity is a slice itself, not what is in it. While one is a key, no other slice can have its place.
type identity[T any] struct {
	first  *T
	length int
}

func identify[T any](s []T) identity[T] {
	if len(s) == 0 {
		return identity[T]{}
	}
	return identity[T]{&s[0], len(s)}
}

// visitorKey is all that the template "who" shows.
type visitorKey struct {
	signedIn bool
	user     User
}

// compose writes the page to b: top, who is looking, flash, main part and bottom, one after the other. What stands around
// the main part is mostly kept from the page before.
func (s *Set) compose(b *bytes.Buffer, v view) error {
	f, err := s.frameOf(v)
	if err != nil {
		return err
	}
	who, err := s.whoOf(v)
	if err != nil {
		return err
	}
	b.WriteString(string(f.top))
	b.WriteString(string(who))
	if v.Flash != nil {
		alert, err := drawAlert(v.Flash.Kind, v.Flash.Text)
		if err != nil {
			return err
		}
		b.WriteString(string(alert) + "\n")
	}
	if err := s.writeMain(b, v); err != nil {
		return err
	}
	b.WriteString(string(f.bottom))
	return nil
}

// writeMain writes the part that is the page's own, unless it was rendered before.
func (s *Set) writeMain(b *bytes.Buffer, v view) error {
	if rendered, ok := v.Body.(template.HTML); ok {
		b.WriteString(string(rendered))
		return nil
	}
	return s.executeTo(b, v.Name, "main", v.Body)
}

func (s *Set) frameOf(v view) (frame, error) {
	key := frameKey{
		name: v.Name, title: v.Title, description: v.Description, path: v.Path, canonical: v.Canonical,
		noIndex: v.NoIndex, scripts: identify(v.Scripts), links: identify(v.Links()),
	}
	return s.frames.get(key, func() (frame, error) {
		top, err := s.execute(v.Name, "top", v)
		if err != nil {
			return frame{}, err
		}
		bottom, err := s.execute(v.Name, "bottom", v)
		return frame{top, bottom}, err
	})
}

func (s *Set) whoOf(v view) (template.HTML, error) {
	var key visitorKey
	if v.User != nil {
		key = visitorKey{signedIn: true, user: *v.User}
	}
	return s.visitors.get(key, func() (template.HTML, error) { return s.execute(v.Name, "who", v) })
}
