package identity

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"irc.now/shared/fault"
	"irc.now/shared/fault/httpfault"
)

// token lets the library answer the two grants that are offered. Credentials it cannot decode would make it panic.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	id, secret, _ := r.BasicAuth()
	_, badID := url.QueryUnescape(id)
	_, badSecret := url.QueryUnescape(secret)
	switch err := r.ParseForm(); {
	case err != nil:
		op.RequestError(w, r, oidc.ErrInvalidRequest().WithDescription("The form cannot be read."), p.config.Log)
	case badID != nil || badSecret != nil:
		op.RequestError(w, r, oidc.ErrInvalidClient().WithDescription("The client's credentials cannot be read."), p.config.Log)
	case r.PostForm.Get("grant_type") == string(oidc.GrantTypeCode), r.PostForm.Get("grant_type") == string(oidc.GrantTypeRefreshToken):
		p.exchange(w, r)
	default:
		op.RequestError(w, r, oidc.ErrUnsupportedGrantType().WithDescription("authorization_code and refresh_token are offered."), p.config.Log)
	}
}

// exchange has the library answer. It calls every error of ours the client's, an invalid_grant, upon which clients throw
// away what they have; what was none of theirs is answered here.
func (p *Provider) exchange(w http.ResponseWriter, r *http.Request) {
	var own trouble
	answer := &keptAnswer{header: http.Header{}}
	p.op.ServeHTTP(answer, r.WithContext(context.WithValue(r.Context(), troubleKey{}, &own)))
	if own.err == nil {
		answer.send(w)
		return
	}
	p.config.Log.ErrorContext(r.Context(), "request about tokens failed", slog.Any("error", own.err))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(httpfault.Status(own.err))
	p.writeJSON(w, r, map[string]string{"error": string(refusal(own.err).ErrorType), "error_description": fault.Sentence(own.err)})
}

// trouble is an error of ours while the library answers a request.
type trouble struct{ err error }

type troubleKey struct{}

// troubled is internal that notes what is no fault of the client's.
func troubled(ctx context.Context, err error) *oidc.Error {
	refused := refusal(err)
	if _, meant := errors.AsType[*oidc.Error](err); meant {
		return refused
	}
	if own, ok := ctx.Value(troubleKey{}).(*trouble); ok {
		own.err = refused.Parent
	}
	return refused
}

// keptAnswer is an answer that is looked at before it is sent, if it is.
type keptAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *keptAnswer) Header() http.Header            { return k.header }
func (k *keptAnswer) Write(body []byte) (int, error) { return k.body.Write(body) }
func (k *keptAnswer) WriteHeader(status int)         { k.status = status }

func (k *keptAnswer) send(w http.ResponseWriter) {
	for name, values := range k.header {
		w.Header()[name] = values
	}
	if k.status != 0 {
		w.WriteHeader(k.status)
	}
	_, _ = w.Write(k.body.Bytes()) // fails only when the asker is gone
}
