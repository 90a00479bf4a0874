package portal

import (
	"net/http"
	"strconv"
	"strings"

	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/design"
	"irc.now/shared/fault"
	"irc.now/shared/web"
)

// handlePage is the page on which a new user picks a handle.
type handlePage struct {
	Field design.Field
	Host  string // what a host name made of the handle ends in
}

func handlePageOf(typed, problem string) handlePage {
	return handlePage{Field: design.Field{
		Name: "handle", Label: "Handle", Value: typed, Error: problem, Required: true, Autofocus: true, Mono: true,
		Autocomplete: "username", MaxLength: account.MaxHandle, Pattern: `[A-Za-z][A-Za-z0-9\-]*`,
		Hint: "Two to sixteen letters a to z, digits and hyphens; it starts with a letter.",
	}}
}

// showHandle offers a handle made from what the identity provider said.
func (p *portal) showHandle(w http.ResponseWriter, r *http.Request) error {
	user, err := p.user(r)
	if err != nil {
		return err
	}
	if user.Handle != "" {
		web.LocalRedirect(w, r, "/")
		return nil
	}
	suggestion, err := p.suggestHandle(r, p.auth.Identity(r.Context()))
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "handle", "Pick your handle", user, handlePageOf(suggestion, ""))
}

// chooseHandle gives the user the handle, once.
func (p *portal) chooseHandle(w http.ResponseWriter, r *http.Request) error {
	user, err := p.user(r)
	if err != nil {
		return err
	}
	if user.Handle != "" {
		web.LocalRedirect(w, r, "/")
		return nil
	}
	if !p.credentials.Allow(user.ID) {
		return fault.New(fault.RateLimited, "You have tried many handles in a short time. Please wait a minute and try again.")
	}
	if err := web.Form(w, r, formLimit); err != nil {
		return err
	}
	typed := r.PostForm.Get("handle")
	handle, err := account.ParseHandle(typed)
	if err == nil {
		_, err = p.accounts.ChooseHandle(r.Context(), user.ID, handle)
	}
	if problem, bad := fault.FieldsOf(err)["handle"]; bad {
		return p.render(w, r, web.Status(err), "handle", "Pick your handle", user, handlePageOf(typed, problem))
	}
	if err != nil {
		return err
	}
	return p.done(w, r, "/", "You are %s now. Your bouncer is ready for its first network.", handle)
}

// maxSuggestions bounds the search for a free name that resembles the wanted one.
const maxSuggestions = 20

// suggestHandle makes a free handle of the person's user name, e-mail address or name; "" where none comes of it.
func (p *portal) suggestHandle(r *http.Request, identity auth.Identity) (string, error) {
	local, _, _ := strings.Cut(identity.Email, "@")
	username, _, _ := strings.Cut(identity.PreferredUsername, "@")
	for _, source := range []string{username, local, identity.Name} {
		base := handleLike(source)
		for try := 1; base != "" && try <= maxSuggestions; try++ {
			handle, err := account.ParseHandle(numbered(base, try))
			if err != nil { // reserved, or too short
				continue
			}
			free, err := p.isFree(r, handle)
			if err != nil || free {
				return string(handle), err
			}
		}
	}
	return "", nil
}

func (p *portal) isFree(r *http.Request, handle account.Handle) (bool, error) {
	_, err := p.accounts.ByHandle(r.Context(), handle)
	if fault.Is(err, fault.NotFound) {
		return true, nil
	}
	return false, err
}

// handleLike keeps of a name what a handle may hold: "Ada.Lovelace+irc" becomes "ada-lovelace-irc".
func handleLike(name string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(name) {
		switch {
		case 'a' <= c && c <= 'z', b.Len() > 0 && '0' <= c && c <= '9':
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	text := b.String()
	return strings.TrimRight(text[:min(len(text), account.MaxHandle)], "-")
}

// numbered appends try to base, from the second try on, within a handle's length.
func numbered(base string, try int) string {
	if try == 1 {
		return base
	}
	digits := strconv.Itoa(try)
	return base[:min(len(base), account.MaxHandle-len(digits))] + digits
}
