package auth

import (
	"context"
	"net/http"
	"net/url"

	"irc.now/shared/fault"
)

// SignOut ends the session here and then, by the visitor's browser, the one at the identity provider (OpenID Connect
// RP-Initiated Logout 1.0), which sends the browser back to the site's root. Where the provider is away or has no
// logout, the root gets "?signed-out=here" and can say that only this session has ended. Mount it for POST only.
func (a *Auth) SignOut(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	hint := a.sessions.GetString(ctx, keyIDToken)
	if err := a.sessions.Destroy(ctx); err != nil {
		return fault.Wrap(err, fault.Unavailable, "We cannot reach our database at the moment, so you are still signed in. Please try again in a minute.")
	}
	redirect(w, r, a.afterSignOut(ctx, hint))
	return nil
}

func (a *Auth) afterSignOut(ctx context.Context, hint string) string {
	if hint == "" { // nobody was signed in
		return "/"
	}
	op, err := a.provider.get(ctx)
	if err != nil {
		a.config.Log.WarnContext(ctx, "signed out here only", "error", err)
		return "/?signed-out=here"
	}
	end, err := url.Parse(op.endSession)
	if err != nil || op.endSession == "" {
		return "/?signed-out=here"
	}
	query := end.Query()
	query.Set("id_token_hint", hint)
	query.Set("client_id", a.config.ClientID)
	query.Set("post_logout_redirect_uri", a.config.BaseURL+"/")
	end.RawQuery = query.Encode()
	return end.String()
}

// EndSessions ends every session of a user at this site, the present one included.
func (a *Auth) EndSessions(ctx context.Context, userID string) error {
	if err := a.store.deleteOf(ctx, userID); err != nil {
		return fault.Wrap(err, fault.Unavailable, "We cannot reach our database at the moment, so you may still be signed in elsewhere. Please try again in a minute.")
	}
	return nil
}
