package identity

import (
	"context"
	"errors"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/op"

	"irc.now/shared/fault"
	"irc.now/shared/web"
)

// endSessionRequest answers RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0). An application that names the
// session by its ID token ends it at once; whoever else comes here is asked first, since a link alone must not sign
// anybody out.
func (p *Provider) endSessionRequest(w http.ResponseWriter, r *http.Request) error {
	request, err := op.ParseEndSessionRequest(r, p.op.Decoder())
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The application sent a request we cannot read. Go back and try again.")
	}
	if request.IdTokenHint == "" {
		web.LocalRedirect(w, r, signOutPath)
		return nil
	}
	session, err := op.ValidateEndSessionRequest(r.Context(), request, p.op)
	if err != nil {
		return fault.Wrap(err, fault.Invalid,
			"The application's request to sign you out is not valid. Sign out on this page instead: %s", p.config.Issuer+signOutPath)
	}
	current, err := p.currentSession(r)
	if err != nil {
		return err
	}
	target, err := (&storage{p}).TerminateSessionFromRequest(r.Context(), session)
	if err != nil {
		return err
	}
	// Where the same person's session in this browser is another one, it would sign them in again at once.
	if current != nil && current.person.ID == session.UserID {
		if err := p.endSession(r.Context(), current.ID); err != nil {
			return err
		}
		p.setCookie(w, sessionCookie, "", 0)
	}
	http.Redirect(w, r, target, http.StatusFound) //nolint:gosec // compared with the client's registered addresses
	return nil
}

// TerminateSessionFromRequest ends the session an ID token names, in whichever browser it is.
func (s *storage) TerminateSessionFromRequest(ctx context.Context, request *op.EndSessionRequest) (string, error) {
	if request.IDTokenHintClaims == nil || request.IDTokenHintClaims.SessionID == "" {
		return "", internal(errors.New("ID token names no session"))
	}
	return request.RedirectURI, s.endSession(ctx, request.IDTokenHintClaims.SessionID)
}

// TerminateSession implements op.Storage; the library asks TerminateSessionFromRequest instead.
func (s *storage) TerminateSession(context.Context, string, string) error {
	return internal(errors.New("a session is ended by its ID token only"))
}
