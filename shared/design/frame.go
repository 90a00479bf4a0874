package design

import (
	"html/template"
	"strconv"
	"strings"
	"sync"
)

// maxFrames bounds the frames kept; a title may hold what a user typed.
const maxFrames = 256

// frame is what stands above and below the part of a page that differs between visitors: half of what a page costs
// to render, and the same again and again.
type frame struct{ Top, Bottom template.HTML }

// frames keeps rendered frames by what they depend on. Its zero value is ready.
type frames struct {
	mu    sync.RWMutex
	known map[string]frame
}

// frameOf renders the frame of v or gives the one rendered before.
func (s *Set) frameOf(v view) (frame, error) {
	key := v.frameKey()
	s.frames.mu.RLock()
	known, ok := s.frames.known[key]
	s.frames.mu.RUnlock()
	if ok {
		return known, nil
	}
	top, err := s.execute(v.Name, "top", v)
	if err != nil {
		return frame{}, err
	}
	bottom, err := s.execute(v.Name, "bottom", v)
	if err != nil {
		return frame{}, err
	}
	made := frame{top, bottom}
	s.frames.mu.Lock()
	defer s.frames.mu.Unlock()
	if s.frames.known == nil || len(s.frames.known) >= maxFrames {
		s.frames.known = map[string]frame{}
	}
	s.frames.known[key] = made
	return made, nil
}

// frameKey holds all of v that the templates "top" and "bottom" show. Lengths keep neighbours apart.
func (v view) frameKey() string {
	var b strings.Builder
	add := func(texts ...string) {
		for _, text := range texts {
			b.WriteString(strconv.Itoa(len(text)))
			b.WriteByte(' ')
			b.WriteString(text)
		}
	}
	add(v.Name, v.Title, v.Description, v.Path, v.Canonical, strconv.FormatBool(v.NoIndex))
	add(v.Scripts...)
	add("nav")
	for _, link := range v.Links() {
		add(link.Text, link.URL)
	}
	return b.String()
}
