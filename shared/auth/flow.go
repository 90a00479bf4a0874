package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"irc.now/shared/config"
)

// maxFlows is how many sign-ins one browser may have begun at the same time, in as many tabs.
const maxFlows = 5

// flow is a sign-in that was begun and has not come back yet. The browser keeps it, sealed, in a cookie of its own: a
// visitor costs the database nothing, so nobody has to be kept from beginning one, and each tab's sign-in is finished
// whatever becomes of the others'.
type flow struct {
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Return   string    `json:"return"`
	Started  time.Time `json:"started"`
	Again    bool      `json:"again,omitempty"` // the provider was told to ask, whoever is signed in there
}

// flows seals sign-ins with a key that every instance of a site has.
type flows struct {
	aead   cipher.AEAD
	prefix string // of the cookies' names
	secure bool
}

func newFlows(secret config.Secret, baseURL string) (flows, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret.Reveal()), nil, "irc.now sign-in under way", 32)
	if err != nil {
		return flows{}, fmt.Errorf("derive the key of sign-ins: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return flows{}, fmt.Errorf("seal sign-ins: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return flows{}, fmt.Errorf("seal sign-ins: %w", err)
	}
	f := flows{aead: aead, prefix: "sign-in-", secure: strings.HasPrefix(baseURL, "https:")}
	if f.secure {
		f.prefix = "__Host-sign-in-"
	}
	return f, nil
}

// keep gives the browser a sign-in under its state, and takes the oldest from it where there are too many.
func (f flows) keep(w http.ResponseWriter, r *http.Request, state string, begun flow) error {
	text, err := json.Marshal(begun)
	if err != nil {
		return fmt.Errorf("keep sign-in: %w", err)
	}
	others := f.others(r)
	for len(others) >= maxFlows {
		f.setCookie(w, others[0], "", -1)
		others = others[1:]
	}
	sealed := f.aead.Seal(nil, nil, text, []byte(state)) //nolint:gosec // this mode makes a random nonce itself
	f.setCookie(w, state, base64.RawURLEncoding.EncodeToString(sealed), int(flowLifetime.Seconds()))
	return nil
}

// others are the states of the sign-ins that the browser has, the oldest first. What cannot be read counts as oldest.
func (f flows) others(r *http.Request) []string {
	started := map[string]time.Time{}
	for _, cookie := range r.Cookies() {
		if state, ours := strings.CutPrefix(cookie.Name, f.prefix); ours {
			begun, _ := f.open(state, cookie.Value)
			started[state] = begun.Started
		}
	}
	states := make([]string, 0, len(started))
	for state := range started {
		states = append(states, state)
	}
	slices.SortFunc(states, func(x, y string) int { return started[x].Compare(started[y]) })
	return states
}

// take finds the sign-in that this browser began under state, and takes it from the browser.
func (f flows) take(w http.ResponseWriter, r *http.Request, state string, now time.Time) (flow, bool) {
	cookie, err := r.Cookie(f.prefix + state)
	if err != nil || state == "" {
		return flow{}, false
	}
	f.setCookie(w, state, "", -1)
	begun, ok := f.open(state, cookie.Value)
	return begun, ok && now.Sub(begun.Started) < flowLifetime
}

func (f flows) open(state, value string) (flow, bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return flow{}, false
	}
	text, err := f.aead.Open(nil, nil, sealed, []byte(state))
	var begun flow
	if err != nil || json.Unmarshal(text, &begun) != nil {
		return flow{}, false
	}
	return begun, true
}

func (f flows) setCookie(w http.ResponseWriter, state, value string, age int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever the site is https; one machine has no TLS
		Name: f.prefix + state, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: f.secure,
		SameSite: http.SameSiteLaxMode, // Strict would lose it on the way back from the provider
	})
}
