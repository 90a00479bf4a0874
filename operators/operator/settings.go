package operator

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"irc.now/operators/ergo"
	"irc.now/operators/naming"
	"irc.now/operators/reconciler"
	"irc.now/operators/soju"
	"irc.now/shared/config"
	"irc.now/shared/key"
)

// settings are the environment.
type settings struct {
	// Controllers are soju, ergo, or both.
	Controllers []string `env:"CONTROLLERS" envDefault:"soju,ergo"`
	// Workers is how many objects of each kind are worked on at a time.
	Workers int `env:"WORKERS" envDefault:"8"`

	// Domain: a dedicated bouncer is NAME.DOMAIN; a network is NAME.NETWORK_DOMAIN, by default NAME.net.DOMAIN.
	Domain        string `env:"DOMAIN,required,notEmpty"`
	NetworkDomain string `env:"NETWORK_DOMAIN"`

	TenantNamespace string `env:"TENANT_NAMESPACE,required,notEmpty"`
	// LeaderElectionNamespace is the program's own.
	LeaderElectionNamespace string `env:"LEADER_ELECTION_NAMESPACE,required,notEmpty"`
	// PlatformNamespaces may talk to tenants' pods, and they to it; by default the program's own.
	PlatformNamespaces []string `env:"PLATFORM_NAMESPACES"`

	// Nameservers are the cluster's, which tenants' pods ask for names as they are written; by default the program's own.
	Nameservers []string `env:"NAMESERVERS"`
	// DNSNamespaces are where the cluster's DNS runs.
	DNSNamespaces []string `env:"DNS_NAMESPACES" envDefault:"kube-system,openshift-dns"`

	// DatabaseAdminURL is a superuser's, for the program alone.
	DatabaseAdminURL config.Secret `env:"DATABASE_ADMIN_URL,required,notEmpty"`
	// How tenants' pods reach the server.
	DatabaseHost      string        `env:"DATABASE_HOST,required,notEmpty"`
	DatabasePort      int           `env:"DATABASE_PORT" envDefault:"5432"`
	DatabaseSSLMode   string        `env:"DATABASE_SSLMODE"`
	DatabaseRetention time.Duration `env:"DATABASE_RETENTION" envDefault:"720h"` // how long the database of what was deleted is kept

	BouncerAdminKey config.Secret `env:"BOUNCER_ADMIN_KEY_FILE,required,notEmpty,file"` // the file with the key that tokens of bouncers are derived from
	IntrospectKey   config.Secret `env:"INTROSPECT_KEY_FILE,required,notEmpty,file"`    // the same for bouncers' client secrets at introspect
	NetworkKey      config.Secret `env:"NETWORK_KEY_FILE,required,notEmpty,file"`       // the same for tokens of networks

	IntrospectURL config.URL `env:"INTROSPECT_URL"` // where bouncers ask who somebody is; without it they cannot
	OIDCIssuer    config.URL `env:"OIDC_ISSUER"`
	ChatClientID  string     `env:"CHAT_CLIENT_ID"` // web chat's client at the identity provider
	ExtraNetworks string     `env:"EXTRA_NETWORKS"`

	// cert-manager's issuer of tenants' certificates.
	IssuerKind string `env:"CERTIFICATE_ISSUER_KIND" envDefault:"ClusterIssuer"`
	IssuerName string `env:"CERTIFICATE_ISSUER_NAME,required,notEmpty"`

	// The Gateway through which tenants are reached; on OpenShift Routes are made instead.
	GatewayNamespace string `env:"GATEWAY_NAMESPACE"`
	GatewayName      string `env:"GATEWAY_NAME"`
	// The Gateway's listeners, for bouncers and for networks.
	SectionIRC        string `env:"GATEWAY_SECTION_IRC" envDefault:"irc"`
	SectionWeb        string `env:"GATEWAY_SECTION_WEB" envDefault:"https"`
	SectionNetwork    string `env:"GATEWAY_SECTION_NETWORK" envDefault:"network"`
	SectionNetworkWeb string `env:"GATEWAY_SECTION_NETWORK_WEB" envDefault:"network-https"`

	// Networks (CIDR) of an ingress that sends PROXY headers (before TLS) to bouncers: their word for a client's address is taken.
	ProxyFrom []netip.Prefix `env:"IRC_PROXY_FROM"`

	// The images of tenants' containers.
	SojuImage         string `env:"SOJU_IMAGE"`
	ErgoImage         string `env:"ERGO_IMAGE"`
	ChatImage         string `env:"CHAT_IMAGE"`
	BouncerAdminImage string `env:"BOUNCERADMIN_IMAGE"`
	FrontImage        string `env:"FRONT_IMAGE"`

	// ErgoHistory is "postgresql" or "memory": what the image is built for.
	ErgoHistory string `env:"ERGO_HISTORY" envDefault:"postgresql"`
	// The volumes of networks; no class is the cluster's default.
	ErgoStorageClass string `env:"ERGO_STORAGE_CLASS"`
	ErgoStorageSize  string `env:"ERGO_STORAGE_SIZE" envDefault:"1Gi"`

	HealthAddress  string `env:"HEALTH_ADDRESS" envDefault:":8081"` // of /healthz and /readyz
	AllowDowngrade bool   `env:"ALLOW_DOWNGRADE"`                   // whether to look after what a newer version has looked after
}

// Validate fills in what follows from the rest, and reports what cannot be.
func (s *settings) Validate() error {
	if s.NetworkDomain == "" {
		s.NetworkDomain = "net." + s.Domain
	}
	if len(s.PlatformNamespaces) == 0 {
		s.PlatformNamespaces = []string{s.LeaderElectionNamespace}
	}
	var problems []error
	problem := func(when bool, text string) {
		if when {
			problems = append(problems, errors.New(text))
		}
	}
	problem(len(s.Controllers) == 0, "CONTROLLERS is empty")
	for _, name := range s.Controllers {
		problem(name != naming.Soju && name != naming.Ergo, "CONTROLLERS may hold soju and ergo, and nothing else")
	}
	problems = append(problems, key.Check("BOUNCER_ADMIN_KEY_FILE", s.BouncerAdminKey),
		key.Check("INTROSPECT_KEY_FILE", s.IntrospectKey), key.Check("NETWORK_KEY_FILE", s.NetworkKey))
	problem(strings.EqualFold(s.NetworkDomain, s.Domain), "NETWORK_DOMAIN must be another domain than DOMAIN")
	problem(len(s.DNSNamespaces) == 0, "DNS_NAMESPACES is empty")
	problem(s.resolver().Validate() != nil, "NAMESERVERS must be up to three IP addresses that pods can reach")
	for variable, host := range map[string]string{"DATABASE_HOST": s.DatabaseHost, "INTROSPECT_URL": s.IntrospectURL.Parsed().Hostname()} {
		problem(host != "" && !reconciler.Complete(host),
			variable+" must have a full name, such as NAME.NAMESPACE.svc.cluster.local: tenants' pods complete none")
	}
	problem(s.Workers < 1, "WORKERS must be 1 or more")
	problem(s.DatabasePort < 1 || s.DatabasePort > 65535, "DATABASE_PORT must be between 1 and 65535")
	problem(s.DatabaseRetention < 0, "DATABASE_RETENTION must not be negative")
	problem(s.runs(naming.Soju) && s.IntrospectURL == "", "INTROSPECT_URL is not set")
	problem(s.runs(naming.Soju) && s.OIDCIssuer == "", "OIDC_ISSUER is not set")
	problem(s.runs(naming.Soju) && s.ChatClientID == "", "CHAT_CLIENT_ID is not set")
	problem(s.runs(naming.Soju) && s.SojuImage == "", "SOJU_IMAGE is not set")
	problem(s.runs(naming.Soju) && s.ChatImage == "", "CHAT_IMAGE is not set")
	problem(s.runs(naming.Soju) && s.BouncerAdminImage == "", "BOUNCERADMIN_IMAGE is not set")
	problem(s.runs(naming.Soju) && s.FrontImage == "", "FRONT_IMAGE is not set")
	problem(s.runs(naming.Ergo) && s.ErgoImage == "", "ERGO_IMAGE is not set")
	problem(s.ErgoHistory != string(ergo.HistoryPostgreSQL) && s.ErgoHistory != string(ergo.HistoryMemory),
		`ERGO_HISTORY must be "postgresql" or "memory"`)
	size, err := resource.ParseQuantity(s.ErgoStorageSize)
	problem(err != nil || size.Sign() <= 0, `ERGO_STORAGE_SIZE is no size such as "1Gi"`)
	return errors.Join(problems...)
}

func (s *settings) runs(controller string) bool { return slices.Contains(s.Controllers, controller) }

func (s *settings) database() reconciler.DatabaseServer {
	return reconciler.DatabaseServer{Host: s.DatabaseHost, Port: s.DatabasePort, SSLMode: s.DatabaseSSLMode}
}

func (s *settings) resolver() reconciler.Resolver {
	return reconciler.Resolver{Nameservers: s.Nameservers, Namespaces: s.DNSNamespaces}
}

func (s *settings) issuer() reconciler.Issuer {
	return reconciler.Issuer{Kind: s.IssuerKind, Name: s.IssuerName}
}

func (s *settings) gateway() reconciler.Gateway {
	return reconciler.Gateway{Namespace: s.GatewayNamespace, Name: s.GatewayName}
}

func (s *settings) soju() soju.Settings {
	return soju.Settings{
		Domain: s.Domain, IntrospectURL: s.IntrospectURL.String(), AdminKey: s.BouncerAdminKey, IntrospectKey: s.IntrospectKey,
		OIDCIssuer: s.OIDCIssuer.String(), ChatClientID: s.ChatClientID, ExtraNetworks: s.ExtraNetworks,
		OwnNetworks: "." + s.NetworkDomain, ProxyFrom: texts(s.ProxyFrom),
		Images:   soju.Images{Soju: s.SojuImage, Front: s.FrontImage, BouncerAdmin: s.BouncerAdminImage, Chat: s.ChatImage},
		Database: s.database(), Issuer: s.issuer(), Gateway: s.gateway(),
		IRCSection: s.SectionIRC, WebSection: s.SectionWeb, Platform: s.PlatformNamespaces, Resolver: s.resolver(),
	}
}

func texts(prefixes []netip.Prefix) []string {
	var list []string
	for _, prefix := range prefixes {
		list = append(list, prefix.String())
	}
	return list
}

func (s *settings) ergo() (ergo.Settings, error) {
	size, err := resource.ParseQuantity(s.ErgoStorageSize)
	if err != nil {
		return ergo.Settings{}, fmt.Errorf("read ERGO_STORAGE_SIZE: %w", err)
	}
	return ergo.Settings{
		Domain: s.NetworkDomain, Image: s.ErgoImage, History: ergo.History(s.ErgoHistory),
		StorageClass: s.ErgoStorageClass, StorageSize: size, Key: s.NetworkKey,
		Database: s.database(), Issuer: s.issuer(), Gateway: s.gateway(),
		IRCSection: s.SectionNetwork, WebSection: s.SectionNetworkWeb, Platform: s.PlatformNamespaces, Resolver: s.resolver(),
		Retention: s.DatabaseRetention,
	}, nil
}
