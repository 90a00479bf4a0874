package design

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// textPairs are the tokens that are used as text on a background: at least 4.5 to 1 (WCAG 2.2, 1.4.3).
var textPairs = map[string][]string{
	"bg":          {"text", "soft", "accent", "bad", "warn"},
	"surface":     {"text", "soft"},
	"raised":      {"text", "soft", "accent"},
	"accent-wash": {"text", "soft", "accent"},
	"bad-wash":    {"text", "bad"},
	"warn-wash":   {"text", "warn"},
	"accent":      {"accent-ink"},
	"screen":      {"text", "soft", "accent", "bad"},
}

// shapePairs are the tokens of borders and marks that carry meaning: at least 3 to 1 (WCAG 2.2, 1.4.11).
var shapePairs = map[string][]string{
	"bg":      {"edge", "accent", "warn", "bad"},
	"surface": {"edge"},
	"screen":  {"accent"},
}

// theme is the colours of one theme by token.
type theme map[string]string

var token = regexp.MustCompile(`--([a-z0-9-]+): (?:light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)|(#[0-9a-f]{6}));`)

// themes reads tokens.css. The screen is dark in both themes: what stands on it takes the dark colours.
func themes(t *testing.T) map[string]theme {
	t.Helper()
	css, err := os.ReadFile("static/css/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark := theme{}, theme{}
	for _, m := range token.FindAllStringSubmatch(string(css), -1) {
		light[m[1]], dark[m[1]] = m[2]+m[4], m[3]+m[4]
	}
	if len(light) < 20 {
		t.Fatalf("found only %d colours", len(light))
	}
	return map[string]theme{"light": light, "dark": dark}
}

func TestTextCanBeRead(t *testing.T) {
	pairs := map[string][]string{}
	for background, texts := range textPairs {
		pairs[background] = texts
	}
	for n := range nickColours {
		for _, background := range []string{"bg", "screen", "accent-wash"} {
			pairs[background] = append(pairs[background], fmt.Sprintf("nick-%d", n))
		}
	}
	checkPairs(t, pairs, 4.5)
}

func TestShapesCanBeSeen(t *testing.T) { checkPairs(t, shapePairs, 3) }

func checkPairs(t *testing.T, pairs map[string][]string, least float64) {
	t.Helper()
	for name, colours := range themes(t) {
		for background, foregrounds := range pairs {
			if background == "screen" && name == "light" {
				continue
			}
			for _, foreground := range foregrounds {
				got := contrast(t, colours[foreground], colours[background])
				if got < least {
					t.Errorf("%s theme: %s on %s: %.2f to 1, want %.1f", name, foreground, background, got, least)
				}
			}
		}
	}
}

// contrast is the ratio WCAG 2.2 defines.
func contrast(t *testing.T, a, b string) float64 {
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + .05) / (min(la, lb) + .05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	rgb, err := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
	if err != nil {
		t.Fatalf("no colour %q: %v", hex, err)
	}
	return .2126*linear(rgb>>16) + .7152*linear(rgb>>8) + .0722*linear(rgb)
}

func linear(channel uint64) float64 {
	c := float64(channel&0xff) / 255
	if c <= .04045 {
		return c / 12.92
	}
	return math.Pow((c+.055)/1.055, 2.4)
}

func TestStylesheetsUseTokensOnly(t *testing.T) {
	for _, name := range stylesheets {
		if name == "tokens" {
			continue
		}
		css, err := os.ReadFile("static/css/" + name + ".css")
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(|oklch\(`).FindString(string(css)); found != "" {
			t.Errorf("%s.css has a colour of its own: %s", name, found)
		}
	}
}
