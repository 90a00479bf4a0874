package identity

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// discovery describes what is really offered; the library's own document also names flows that are not.
func (p *Provider) discovery(w http.ResponseWriter, r *http.Request) {
	document := op.CreateDiscoveryConfig(r.Context(), p.op, &storage{p})
	document.ResponseTypesSupported = []string{string(oidc.ResponseTypeCode)}
	document.ResponseModesSupported = []string{string(oidc.ResponseModeQuery)}
	document.GrantTypesSupported = []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
	document.TokenEndpointAuthMethodsSupported = []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodNone}
	document.IntrospectionEndpointAuthMethodsSupported = []oidc.AuthMethod{oidc.AuthMethodBasic}
	document.RevocationEndpointAuthMethodsSupported = []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodNone}
	document.DeviceAuthorizationEndpoint = ""
	document.IntrospectionEndpointAuthSigningAlgValuesSupported = nil
	document.RevocationEndpointAuthSigningAlgValuesSupported = nil
	p.writeJSON(w, r, struct {
		*oidc.DiscoveryConfiguration
		PromptValues []string `json:"prompt_values_supported"`
	}{document, []string{oidc.PromptNone, oidc.PromptLogin, promptCreate}})
}

// writeJSON answers with value; a client that went away meanwhile is nobody's fault.
func (p *Provider) writeJSON(w http.ResponseWriter, r *http.Request, value any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		p.config.Log.DebugContext(r.Context(), "answer not sent", slog.Any("error", err))
	}
}
