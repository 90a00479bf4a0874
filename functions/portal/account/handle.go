package account

import (
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"irc.now/functions/portal/page"
	"irc.now/shared/account"
	"irc.now/shared/auth"
	"irc.now/shared/design"
	"irc.now/shared/fault"
	"irc.now/shared/web"
)

// handlePage is the page on which a new user picks a handle.
type handlePage struct{ Field design.Field }

func handlePageOf(typed, problem string) handlePage {
	return handlePage{Field: design.Field{
		Name: "handle", Label: "Handle", Value: typed, Error: problem, Required: true, Autofocus: true, Mono: true,
		Autocomplete: "username", MaxLength: account.MaxHandle, Pattern: `[A-Za-z][A-Za-z0-9\-]*`,
		Hint: "Two to sixteen letters a to z, digits and hyphens; it starts with a letter.",
	}}
}

// GET /handle offers a handle made from what the identity provider said.
func (a *Area) showHandle(w http.ResponseWriter, r *http.Request, user account.User) error {
	if user.Handle != "" {
		web.LocalRedirect(w, r, "/")
		return nil
	}
	suggestion, err := a.suggestHandle(r, a.Session.Identity(r.Context()))
	if err != nil {
		return err
	}
	return a.renderHandle(w, r, http.StatusOK, user, handlePageOf(suggestion, ""))
}

func (a *Area) renderHandle(w http.ResponseWriter, r *http.Request, status int, user account.User, body handlePage) error {
	return a.Pages.Render(w, r, user, page.View{Name: "handle", Title: "Pick your handle", Status: status, Body: body})
}

// POST /handle gives the user the handle, once.
func (a *Area) chooseHandle(w http.ResponseWriter, r *http.Request, user account.User) error {
	if user.Handle != "" {
		web.LocalRedirect(w, r, "/")
		return nil
	}
	if !a.Attempts.Allow(user.ID) {
		return fault.New(fault.RateLimited, "You have tried many handles in a short time. Please wait a minute and try again.")
	}
	if err := page.Form(w, r); err != nil {
		return err
	}
	typed := r.PostForm.Get("handle")
	handle, err := account.ParseHandle(typed)
	if err == nil {
		_, err = a.Accounts.ChooseHandle(r.Context(), user.ID, handle)
	}
	if problem, bad := fault.FieldsOf(err)["handle"]; bad {
		return a.renderHandle(w, r, web.Status(err), user, handlePageOf(typed, problem))
	}
	if err != nil {
		return err
	}
	return a.Pages.Done(w, r, "/", "You are %s now. Your bouncer is ready for its first network.", handle)
}

// maxSuggestions bounds the search for a free name that resembles the wanted one.
const maxSuggestions = 20

// suggestHandle makes a free handle of the person's user name, e-mail address or name; "" where none comes of it.
func (a *Area) suggestHandle(r *http.Request, identity auth.Identity) (string, error) {
	local, _, _ := strings.Cut(identity.Email, "@")
	username, _, _ := strings.Cut(identity.PreferredUsername, "@")
	for _, source := range []string{username, local, identity.Name} {
		base := handleLike(source)
		for try := 1; base != "" && try <= maxSuggestions; try++ {
			handle, err := account.ParseHandle(numbered(base, try))
			if err != nil { // reserved, or too short
				continue
			}
			free, err := a.isFree(r, handle)
			if err != nil || free {
				return string(handle), err
			}
		}
	}
	return "", nil
}

func (a *Area) isFree(r *http.Request, handle account.Handle) (bool, error) {
	_, err := a.Accounts.ByHandle(r.Context(), handle)
	if fault.Is(err, fault.NotFound) {
		return true, nil
	}
	return false, err
}

// written are letters that no accent makes of those that a handle may hold, as they are written without.
var written = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "đ", "d", "ð", "d", "þ", "th", "ł", "l", "ı", "i", "ŋ", "n")

// handleLike keeps of a name what a handle may hold: "Ada.Lóvelace+irc" becomes "ada-lovelace". What follows a "+" tells
// mails apart, not people.
func handleLike(name string) string {
	name, _, _ = strings.Cut(name, "+")
	var b strings.Builder
	for _, c := range norm.NFKD.String(written.Replace(strings.ToLower(name))) {
		switch {
		case unicode.In(c, unicode.Mn, unicode.Cf): // an accent of the letter before, or nothing
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
