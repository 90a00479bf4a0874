// Package browser drives a headless Chromium over our pages: it emulates screens and themes, collects what the
// browser complains about, and runs axe-core. Tests in this folder use it; nothing else may.
package browser

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// deadline ends a test whose browser hangs.
const deadline = 5 * time.Minute

// patience is how long a page may take to show what a server has done.
const patience = 30 * time.Second

// Browser is one tab with an empty profile. It is for one test at a time.
type Browser struct {
	t   *testing.T
	ctx context.Context

	mutex      sync.Mutex
	complaints []chromedp.ConsoleMessage
	excused    []refusal
	fences     chan string
}

// refusal is an answer that a test asks for, and of which the browser complains.
type refusal struct {
	paths  string // a pattern of path.Match
	status int
}

// Screen is what a visitor looks at.
type Screen struct {
	Name          string
	Width, Height int64
	Touch         bool
}

// The screens pages are tried on. Narrow is the least that WCAG 2.2 (1.4.10) asks for.
var (
	Desktop = Screen{Name: "desktop", Width: 1280, Height: 900}
	Phone   = Screen{Name: "phone", Width: 390, Height: 844, Touch: true}
	Narrow  = Screen{Name: "narrow", Width: 320, Height: 640, Touch: true}
)

// Start opens a browser that closes with the test. Whatever its console said by then fails the test, unless it was excused.
func Start(t *testing.T) *Browser {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		if _, err := exec.LookPath("google-chrome"); err != nil {
			t.Fatal("this test needs a browser: install Chromium (on Debian: apt-get install chromium)")
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), deadline) // what is left at the end is looked at
	t.Cleanup(cancel)
	ctx, closeTab := chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true)))
	t.Cleanup(closeTab)
	b := &Browser{t: t, ctx: ctx, fences: make(chan string, 1)}
	b.Do(chromedp.Navigate("about:blank"))
	b.listen()
	t.Cleanup(b.report)
	return b
}

// listen keeps errors and warnings of the console: exceptions, refused scripts and styles, policies that it cannot read,
// files that are not there.
func (b *Browser) listen() {
	messages := chromedp.Console(b.ctx)
	go func() {
		for m, err := range messages {
			switch {
			case err != nil:
				return // the tab is gone
			case strings.HasPrefix(m.Text, fence):
				b.fences <- m.Text
			case m.IsException() || m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleWarning:
				b.mutex.Lock()
				b.complaints = append(b.complaints, m)
				b.mutex.Unlock()
			}
		}
	}()
}

// fence is said to the console to learn that everything before it has been heard.
const fence = "fence of the test's end"

// Excuse lets the browser complain that one of paths (a pattern of path.Match) was answered with status, because the test
// asks for a refusal.
func (b *Browser) Excuse(paths string, status int) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.excused = append(b.excused, refusal{paths, status})
}

// report fails the test for each complaint that nothing excuses. Nobody has to remember to ask, and nobody can forget
// complaints by asking early.
func (b *Browser) report() {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[any](`console.debug("`+fence+`")`)); err != nil {
		b.t.Errorf("what the console said last is not known: %v", err)
	} else {
		select {
		case <-b.fences:
		case <-ctx.Done():
			b.t.Errorf("the console says nothing any more: %v", ctx.Err())
		}
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, m := range b.complaints {
		if !slices.ContainsFunc(b.excused, func(r refusal) bool { return r.is(m) }) {
			b.t.Errorf("console: %s (%s)", m, m.URL)
		}
	}
}

func (r refusal) is(m chromedp.ConsoleMessage) bool {
	address, err := url.Parse(m.URL)
	if err != nil || m.Source != "network" {
		return false
	}
	match, err := path.Match(r.paths, address.Path)
	return err == nil && match && strings.Contains(m.Text, fmt.Sprintf("status of %d ", r.status))
}

// Do runs actions; the test ends when one fails.
func (b *Browser) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// Emulate sets the screen, the preferred colour scheme ("light", "dark"), and that nothing should move.
func (b *Browser) Emulate(s Screen, scheme string) {
	b.t.Helper()
	var options []chromedp.EmulateViewportOption
	if s.Touch {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	b.Do(chromedp.EmulateViewport(s.Width, s.Height, options...))
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		b.t.Fatal(err)
	}
}

// Visit loads a page with its fonts.
func (b *Browser) Visit(url string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(url))
	Evaluate[bool](b, "document.fonts.ready.then(() => true)")
}

// Follow runs actions that lead to another page, and waits until that has loaded with its fonts.
func (b *Browser) Follow(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
	Evaluate[bool](b, "document.fonts.ready.then(() => true)")
}

// Await waits until a condition, which is a script, holds in the page. It does not survive a navigation.
func (b *Browser) Await(condition string) {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](condition, chromedp.WithPollingTimeout(patience))); err != nil {
		b.t.Fatalf("%s does not become true: %v", condition, err)
	}
}

// Evaluate runs a script in the page and gives its result, or its promise's.
func Evaluate[T any](b *Browser, script string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// Screenshot writes the whole page as name.png to the folder SCREENSHOTS names; nothing where it names none.
func (b *Browser) Screenshot(name string) {
	b.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// Violations runs axe-core over the page and gives one line for each rule that is broken.
func (b *Browser) Violations() []string {
	b.t.Helper()
	Evaluate[bool](b, axe(b.t)+"; true")
	return Evaluate[[]string](b, `axe.run(document, {resultTypes: ['violations']}).then(r =>
		r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ') + ' (' + n.failureSummary.replace(/\s+/g, ' ') + ')').join('; ')))`)
}

// Problems gives all that is wrong with the page as it stands: rules of axe-core that are broken, controls that are
// too small for a finger, and whether one has to scroll sideways.
func (b *Browser) Problems() []string {
	b.t.Helper()
	problems := append(b.Violations(), b.SmallTargets()...)
	if n := b.Overflow(); n > 0 {
		problems = append(problems, fmt.Sprintf("the page is %d pixels wider than the screen", n))
	}
	return problems
}

// Overflow is by how many pixels the page is wider than the screen.
func (b *Browser) Overflow() int {
	b.t.Helper()
	return Evaluate[int](b, "document.documentElement.scrollWidth - document.documentElement.clientWidth")
}

// SmallTargets lists the controls that are less than 44 pixels high (WCAG 2.2, 2.5.5). Links inside a sentence
// are exempt, and so is what is not shown.
func (b *Browser) SmallTargets() []string {
	b.t.Helper()
	return Evaluate[[]string](b, `[...document.querySelectorAll('a, button, summary, select, textarea, input:not([type=checkbox], [type=hidden])')]
		.filter(e => e.checkVisibility() && !e.matches('.skip') && !(e.matches('a') && getComputedStyle(e).display === 'inline'))
		.filter(e => e.getBoundingClientRect().height < 43.9)
		.map(e => e.outerHTML.slice(0, 90) + ' is ' + Math.round(e.getBoundingClientRect().height) + ' px high')`)
}

// axe is the source of axe-core, which shared/design/fetch gets.
func axe(t *testing.T) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	source, err := os.ReadFile(filepath.Join(filepath.Dir(here), "../../shared/design/node_modules/axe-core/axe.min.js"))
	if err != nil {
		t.Fatalf("axe-core is missing: run “go run ./shared/design/fetch” (%v)", err)
	}
	return string(source)
}
