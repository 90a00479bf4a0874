package soju

import (
	"bytes"
	_ "embed" // for nginx's configuration
	"encoding/json"
	"fmt"
	"net/url"
	"text/template"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
)

// Keys of web chat's ConfigMap.
const (
	keyNginx = "nginx.conf"
	keyGamja = "config.json"
)

//go:embed nginx.conf.tmpl
var nginxText string

var nginxTemplate = template.Must(template.New(keyNginx).Option("missingkey=error").Parse(nginxText))

// gamja is what we use of gamja's config.json.
type gamja struct {
	Server gamjaServer `json:"server"`
	OAuth2 gamjaOAuth2 `json:"oauth2"`
}

type gamjaServer struct {
	URL         string `json:"url"`
	Auth        string `json:"auth"`
	Autoconnect bool   `json:"autoconnect"`
	Ping        int    `json:"ping"` // seconds
}

type gamjaOAuth2 struct {
	URL      string `json:"url"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
}

// chatConfigMapFor is nginx's and gamja's configuration. Nothing of the user's goes into it but the name, which is a
// DNS label.
func chatConfigMapFor(b *v1alpha1.SojuBouncer, s Settings) (*corev1.ConfigMap, error) {
	issuer, err := url.Parse(s.OIDCIssuer)
	if err != nil {
		return nil, fmt.Errorf("read the OpenID provider's address: %w", err)
	}
	var nginx bytes.Buffer
	err = nginxTemplate.Execute(&nginx, map[string]any{
		"Port": portChat, "SocketPort": portSocket, "Host": hostOf(b, s), "IssuerOrigin": issuer.Scheme + "://" + issuer.Host,
	})
	if err != nil {
		return nil, fmt.Errorf("render nginx's configuration: %w", err)
	}
	page, err := json.MarshalIndent(gamja{
		Server: gamjaServer{URL: "/socket", Auth: "oauth2", Autoconnect: true, Ping: 60},
		OAuth2: gamjaOAuth2{URL: s.OIDCIssuer, ClientID: s.ChatClientID, Scope: "openid"},
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("render gamja's configuration: %w", err)
	}
	names := naming.Bouncer(b.Name)
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Namespace: b.Namespace, Name: names.ChatConfigMap(), Labels: names.Labels(b.Spec.Owner)},
		Data:       map[string]string{keyNginx: nginx.String(), keyGamja: string(page) + "\n"},
	}, nil
}
