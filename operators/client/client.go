// Package client reaches our own kinds on a Kubernetes API server, for programs that start from zero: functions ask
// for the bouncers and networks of an owner, make them, delete them and follow them.
//
// It is client-go's REST client with the types of operators/api and nothing else: no caches, no discovery, no clients
// of other kinds, because all of that is paid for at each cold start. What reconciles uses controller-runtime instead.
//
// Its errors have the kinds of shared/fault, with sentences for the user whose bouncer or network it is about.
package client

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"

	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/config"
)

// Settings are the environment variables of a program that talks to the API server. Without a namespace there is no
// cluster.
type Settings struct {
	Namespace string `env:"TENANT_NAMESPACE"` // where all bouncers and networks are

	// Where the API server is, for a program that does not run in a pod. A pod's service account needs none of them.
	URL       config.URL `env:"KUBERNETES_API_URL"`
	CAFile    string     `env:"KUBERNETES_CA_FILE"`
	TokenFile string     `env:"KUBERNETES_TOKEN_FILE"` // read again as it is replaced
}

// Configured reports whether there is a cluster.
func (s Settings) Configured() bool { return s.Namespace != "" }

// Validate reports what does not fit together, each problem under its variable.
func (s Settings) Validate() error {
	var problems []error
	if s.URL == "" && (s.CAFile != "" || s.TokenFile != "") {
		problems = append(problems, errors.New("KUBERNETES_API_URL is not set, which KUBERNETES_CA_FILE and KUBERNETES_TOKEN_FILE need"))
	}
	if s.URL != "" && !s.Configured() {
		problems = append(problems, errors.New("TENANT_NAMESPACE is not set, which KUBERNETES_API_URL needs"))
	}
	return errors.Join(problems...)
}

// Open makes a client. It connects to nothing: an API server that is away is an error of each call.
func (s Settings) Open() (*Client, error) {
	if s.URL != "" {
		return New(&rest.Config{
			Host: s.URL.String(), BearerTokenFile: s.TokenFile, TLSClientConfig: rest.TLSClientConfig{CAFile: s.CAFile},
		}, s.Namespace)
	}
	pod, err := rest.InClusterConfig()
	if err != nil {
		return nil, fmt.Errorf("TENANT_NAMESPACE is set, but this is no pod with a service account (KUBERNETES_API_URL names an API server elsewhere): %w", err)
	}
	return New(pod, s.Namespace)
}

// Client is our kinds in one namespace. It is safe for concurrent use.
type Client struct {
	bouncers *Bouncers
	networks *Networks
}

// Our kinds.
type (
	// Bouncers are the SojuBouncers of a namespace.
	Bouncers = Kind[v1alpha1.SojuBouncer, *v1alpha1.SojuBouncer]
	// Networks are the ErgoNetworks of a namespace.
	Networks = Kind[v1alpha1.ErgoNetwork, *v1alpha1.ErgoNetwork]
)

// callTimeout bounds every call but a watch. Creating waits for admission, which may take ten seconds.
const callTimeout = 15 * time.Second

// New makes a client of the API server that to describes. Only where it is, how to trust it and who we are is taken
// from there.
func New(to *rest.Config, namespace string) (*Client, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("register our kinds: %w", err)
	}
	c := rest.CopyConfig(to)
	c.APIPath = "/apis"
	c.GroupVersion = &v1alpha1.GroupVersion
	c.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	c.ContentType, c.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	c.UserAgent = "irc.now"
	c.WarningHandler = rest.NoWarnings{}
	c.Timeout = 0 // it would end watches; calls have callTimeout
	c.QPS = -1    // the API server's own fairness is the limit
	calls, err := rest.RESTClientFor(c)
	if err != nil {
		return nil, fmt.Errorf("make a client of the Kubernetes API: %w", err)
	}
	return &Client{
		bouncers: &Bouncers{calls: calls, namespace: namespace, resource: "sojubouncers", word: "bouncer"},
		networks: &Networks{calls: calls, namespace: namespace, resource: "ergonetworks", word: "network"},
	}, nil
}

// Bouncers are the bouncers.
func (c *Client) Bouncers() *Bouncers { return c.bouncers }

// Networks are the networks.
func (c *Client) Networks() *Networks { return c.networks }

// CloseIdleConnections gives back what is not in use.
func (c *Client) CloseIdleConnections() {
	if client := c.bouncers.calls.Client; client != nil && client.Transport != http.DefaultTransport {
		client.CloseIdleConnections()
	}
}
