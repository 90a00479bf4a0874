package identity

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"irc.now/shared/fault"
	"irc.now/shared/web"
)

// maxParameter bounds what an application may make us store or send back.
const maxParameter = 2048

// authorize begins a sign-in: it checks what the library does not and keeps the request for the pages.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) error {
	request, err := op.ParseAuthorizeRequest(r, p.op.Decoder())
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The application sent a request we cannot read. Go back and try again.")
	}
	asking, ok := p.client(request.ClientID)
	if !ok {
		return fault.New(fault.Invalid, "The application that sent you here is not known.")
	}
	// From here on errors go back to the application, so its address must be known to be its own.
	if !asking.redirectsTo(request.RedirectURI) {
		return fault.New(fault.Invalid, "The application that sent you here gave an address that is not registered for it.")
	}
	r = p.browser(w, r)
	if err := checkRequest(request, r.Form); err != nil {
		op.AuthRequestError(w, r, request, err, p.op)
		return nil
	}
	if slices.Contains(request.Prompt, oidc.PromptNone) {
		return p.authorizeSilently(w, r, asking, request)
	}
	stored, err := p.storeRequest(r, asking, request)
	if err != nil {
		op.AuthRequestError(w, r, request, err, p.op)
		return nil
	}
	page := signInPath
	if slices.Contains(request.Prompt, promptCreate) {
		page = signUpPath
	}
	web.LocalRedirect(w, r, page+"?"+requestQuery(stored.id))
	return nil
}

// promptCreate asks for the sign-up page (Initiating User Registration via OpenID Connect 1.0).
const promptCreate = "create"

// storeRequest lets the library check what is left to check, and keeps the request.
func (p *Provider) storeRequest(r *http.Request, asking client, request *oidc.AuthRequest) (*authRequest, error) {
	ctx := r.Context()
	if _, err := op.ValidateAuthRequestClient(ctx, request, asking, p.op.IDTokenHintVerifier(ctx)); err != nil {
		return nil, err
	}
	return p.createAuthRequest(ctx, request)
}

// checkRequest demands PKCE with S256 of everybody (RFC 9700 section 2.1.1) and the code flow.
func checkRequest(request *oidc.AuthRequest, form url.Values) error {
	if err := checkForeign(form); err != nil {
		return err
	}
	invalid := func(description string) error { return oidc.ErrInvalidRequest().WithDescription("%s", description) }
	switch {
	case request.ResponseType != oidc.ResponseTypeCode:
		return invalid("Only response_type=code is offered.")
	case request.CodeChallengeMethod != oidc.CodeChallengeMethodS256 || len(request.CodeChallenge) != 43:
		return invalid("PKCE with code_challenge_method=S256 is required.")
	case !slices.Contains(request.Scopes, oidc.ScopeOpenID):
		return invalid("The scope must contain openid.")
	case request.ResponseMode != "" && request.ResponseMode != oidc.ResponseModeQuery:
		return invalid("Only response_mode=query is offered.")
	}
	for _, text := range []string{request.State, request.Nonce, request.LoginHint} {
		if len(text) > maxParameter {
			return invalid("state, nonce and login_hint may have 2048 characters each.")
		}
		if !storable(text) {
			return invalid("state, nonce and login_hint must be text.")
		}
	}
	return nil
}

// checkForeign refuses to be told elsewhere what is asked for (OpenID Connect Core section 3.1.2.6): to leave that unread
// would be to answer another question.
func checkForeign(form url.Values) error {
	refused := oidc.ErrRequestNotSupported()
	switch {
	case form.Has("request"):
	case form.Has("request_uri"):
		refused.ErrorType = "request_uri_not_supported"
	case form.Has("registration"):
		refused.ErrorType = "registration_not_supported"
	default:
		return nil
	}
	return refused
}

// storable reports whether PostgreSQL takes text; what it refuses would look like a fault of ours.
func storable(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

// authorizeSilently answers prompt=none: with a code when a session is there, else with login_required.
func (p *Provider) authorizeSilently(w http.ResponseWriter, r *http.Request, asking client, request *oidc.AuthRequest) error {
	current, err := p.currentSession(r)
	if err != nil {
		return err
	}
	if current == nil || asking.Native {
		op.AuthRequestError(w, r, request, oidc.ErrLoginRequired(), p.op)
		return nil
	}
	stored, err := p.storeRequest(r, asking, request)
	if err != nil {
		op.AuthRequestError(w, r, request, err, p.op)
		return nil
	}
	if !stored.accepts(current) {
		op.AuthRequestError(w, r, request, oidc.ErrLoginRequired(), p.op)
		return nil
	}
	return p.finish(w, r, stored, current)
}

// finish sends the browser back to the application with a code of the session.
func (p *Provider) finish(w http.ResponseWriter, r *http.Request, request *authRequest, s *session) error {
	if err := p.chooseSession(r.Context(), request.id, s.ID); err != nil {
		return err
	}
	request.sessionID, request.userID, request.authTime = s.ID, s.person.ID, s.AuthTime
	op.AuthResponse(request, p.op, w, r)
	return nil
}

func requestQuery(request string) string { return url.Values{"request": {request}}.Encode() }
