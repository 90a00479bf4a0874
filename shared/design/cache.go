package design

import (
	"html/template"
	"strings"
	"sync"
)

// cache keeps what was rendered, by all that it depends on. It is safe for concurrent use.
type cache[K comparable, V any] struct {
	most int // entries; beginning anew then costs less than keeping track of age

	mu    sync.RWMutex
	known map[K]V
}

func newCache[K comparable, V any](most int) *cache[K, V] {
	return &cache[K, V]{most: most, known: map[K]V{}}
}

// get gives what was kept under key, or what render makes, which is kept unless it failed.
func (c *cache[K, V]) get(key K, render func() (V, error)) (V, error) {
	c.mu.RLock()
	known, ok := c.known[key]
	c.mu.RUnlock()
	if ok {
		return known, nil
	}
	made, err := render()
	if err != nil {
		return made, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= c.most {
		clear(c.known)
	}
	c.known[key] = made
	return made, nil
}

// cached keeps the small components that every page repeats, by name and values: to look one up costs a fifth of drawing
// it. Components that may hold a secret or long text are not kept.
var cached = newCache[string, template.HTML](2048)

// drawCached draws a component of one word, or gives it as it was drawn before.
func drawCached(name, word string) (template.HTML, error) {
	return cached.get(name+"\x00"+word, func() (template.HTML, error) { return draw(name, word) })
}

// caching keeps what a component's function draws of name-value pairs that are all strings.
func caching(name string, component func(...any) (template.HTML, error)) func(...any) (template.HTML, error) {
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
		return cached.get(key.String(), func() (template.HTML, error) { return component(arguments...) })
	}
}
