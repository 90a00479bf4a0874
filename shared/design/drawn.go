package design

import (
	"html/template"
	"strings"
	"sync"
)

// maxDrawn bounds the components kept.
const maxDrawn = 2048

// drawn keeps the small components that every page repeats: to look one up costs a fifth of drawing it. Components
// that may hold a secret or long text are not kept.
var drawn drawings

// drawings are components by name and values. The zero value is ready; it is safe for concurrent use.
type drawings struct {
	mu    sync.RWMutex
	known map[string]template.HTML
}

func (d *drawings) get(key string, draw func() (template.HTML, error)) (template.HTML, error) {
	d.mu.RLock()
	known, ok := d.known[key]
	d.mu.RUnlock()
	if ok {
		return known, nil
	}
	made, err := draw()
	if err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil || len(d.known) >= maxDrawn {
		d.known = map[string]template.HTML{} // beginning anew costs less than keeping track of age
	}
	d.known[key] = made
	return made, nil
}

// drawOnce draws a component of one word.
func drawOnce(name, word string) (template.HTML, error) {
	return drawn.get(name+"\x00"+word, func() (template.HTML, error) { return draw(name, word) })
}

// remembered keeps what a component's function draws of name-value pairs that are all strings.
func remembered(name string, component func(...any) (template.HTML, error)) func(...any) (template.HTML, error) {
	return func(arguments ...any) (template.HTML, error) {
		var key strings.Builder
		key.WriteString(name)
		for _, argument := range arguments {
			text, ok := argument.(string)
			if !ok {
				return component(arguments...)
			}
			key.WriteByte(0)
			key.WriteString(text)
		}
		return drawn.get(key.String(), func() (template.HTML, error) { return component(arguments...) })
	}
}
