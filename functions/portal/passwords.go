package portal

import (
	"net/http"
	"strings"

	"irc.now/shared/account"
	"irc.now/shared/design"
	"irc.now/shared/fault"
	"irc.now/shared/web"
)

// passwordsPage lists the connection passwords and makes new ones.
type passwordsPage struct {
	Live, Revoked []account.ConnectionPassword
	Field         design.Field
	Full          bool // no more can be made
	Max           int
}

// clientNames are what people usually call a connection password.
var clientNames = []string{"Laptop", "Phone", "irssi", "WeeChat", "HexChat", "Halloy", "Goguma"}

func (p *portal) showPasswords(w http.ResponseWriter, r *http.Request, user account.User) error {
	return p.renderPasswords(w, r, user, http.StatusOK, "", "")
}

func (p *portal) renderPasswords(w http.ResponseWriter, r *http.Request, user account.User, status int, typed, problem string) error {
	passwords, err := p.accounts.Passwords(r.Context(), user.ID)
	if err != nil {
		return err
	}
	page := passwordsPage{Max: account.MaxPasswords, Field: design.Field{
		Name: "name", Label: "Name", Value: typed, Error: problem, Required: true, Autocomplete: "off",
		MaxLength: account.MaxPasswordName, List: clientNames, Placeholder: "Laptop",
		Hint: "The device or program that will use it, so that you know later which one to revoke.",
	}}
	for _, password := range passwords {
		if password.RevokedAt == nil {
			page.Live = append(page.Live, password)
		} else {
			page.Revoked = append(page.Revoked, password)
		}
	}
	page.Full = len(page.Live) >= account.MaxPasswords
	return p.render(w, r, status, "passwords", "Connection passwords", user, page)
}

// whisperName is under which the session keeps a created password, sealed, for the page that shows it: its name and
// the secret, a line each.
const whisperName = "created password"

func (p *portal) createPassword(w http.ResponseWriter, r *http.Request, user account.User) error {
	if err := web.Form(w, r, formLimit); err != nil {
		return err
	}
	if !p.credentials.Allow(user.ID) {
		return fault.New(fault.RateLimited, "You have made many passwords in a short time. Please wait a minute and try again.")
	}
	typed := r.PostForm.Get("name")
	secret, password, err := p.accounts.CreatePassword(r.Context(), user.ID, typed)
	switch {
	case fault.Is(err, fault.Invalid) || fault.Is(err, fault.OverQuota):
		return p.renderPasswords(w, r, user, web.Status(err), typed, fault.Sentence(err))
	case err != nil:
		return err
	}
	if err := p.auth.Whisper(r.Context(), whisperName, password.Name+"\n"+secret.Reveal()); err != nil {
		return err
	}
	p.log.InfoContext(r.Context(), "connection password made", "user", user.ID, "password", password.ID)
	web.LocalRedirect(w, r, "/passwords/created")
	return nil
}

// createdPage shows a new password, this once.
type createdPage struct {
	Name, Secret string
	Access       access
}

// showCreatedPassword tells the secret and forgets it. A reload has nothing to tell and goes to the list.
func (p *portal) showCreatedPassword(w http.ResponseWriter, r *http.Request, user account.User) error {
	if r.Method == http.MethodHead { // looks only; must not use up the one time
		w.WriteHeader(http.StatusOK)
		return nil
	}
	name, secret, found := strings.Cut(p.auth.TakeWhisper(r.Context(), whisperName), "\n")
	if !found {
		p.auth.Note(r.Context(), "flash", "info A password is shown only once. If you have lost it, make a new one and revoke the old one.")
		web.LocalRedirect(w, r, "/passwords")
		return nil
	}
	state := p.bouncers.State(r.Context(), user)
	return p.render(w, r, http.StatusOK, "password-created", "Your new password", user, createdPage{
		Name: name, Secret: secret, Access: p.accessOf(user, state, networkNamed(state, "")),
	})
}

// password finds one of the user's own passwords that still works.
func (p *portal) password(r *http.Request, user account.User) (account.ConnectionPassword, error) {
	passwords, err := p.accounts.Passwords(r.Context(), user.ID)
	if err != nil {
		return account.ConnectionPassword{}, err
	}
	for _, password := range passwords {
		if password.ID == r.PathValue("id") && password.RevokedAt == nil {
			return password, nil
		}
	}
	return account.ConnectionPassword{}, fault.New(fault.NotFound, "You have no such connection password. It may have been revoked already.")
}

func (p *portal) confirmRevokePassword(w http.ResponseWriter, r *http.Request, user account.User) error {
	password, err := p.password(r, user)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "password-revoke", "Revoke "+password.Name, user, password)
}

func (p *portal) revokePassword(w http.ResponseWriter, r *http.Request, user account.User) error {
	password, err := p.password(r, user)
	if err != nil {
		return err
	}
	if err := p.accounts.RevokePassword(r.Context(), user.ID, password.ID); err != nil {
		return err
	}
	p.log.InfoContext(r.Context(), "connection password revoked", "user", user.ID, "password", password.ID)
	return p.done(w, r, "/passwords", "The password “%s” no longer works. Clients that are connected with it are disconnected within a minute.", password.Name)
}
