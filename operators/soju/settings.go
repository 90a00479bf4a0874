package soju

import (
	"errors"
	"net/url"

	"irc.now/operators/reconciler"
	"irc.now/shared/config"
)

// Settings are the same for all bouncers.
type Settings struct {
	Domain string // a dedicated bouncer is NAME.Domain
	// IntrospectURL is where functions/introspect answers inside the cluster.
	IntrospectURL string
	// AdminKey is what bounceradmin's tokens are derived from, IntrospectKey client secrets at introspection. Neither reaches a
	// pod.
	AdminKey, IntrospectKey config.Secret
	// OIDCIssuer and ChatClientID are what web chat signs users in with.
	OIDCIssuer   string
	ChatClientID string
	// ExtraNetworks are networks of our own, as bouncer.ParseKnown reads them.
	ExtraNetworks string
	// OwnNetworks are hosts of networks of our own, separated by commas; one that begins with a dot means all names below.
	OwnNetworks string
	// ProxyFrom are networks (CIDR) of an ingress that sends PROXY headers to bouncers.
	ProxyFrom []string

	Images   Images
	Database reconciler.DatabaseServer
	Issuer   reconciler.Issuer
	Gateway  reconciler.Gateway
	// IRCSection and WebSection are the Gateway's listeners; "" attaches to all that fit.
	IRCSection, WebSection string
	// Platform are the namespaces of the platform's own programs, its database and its ingress.
	Platform []string
	Resolver reconciler.Resolver // of the names that pods ask for
}

// Images are the containers' images.
type Images struct{ Soju, Front, BouncerAdmin, Chat string }

// Validate reports everything that is missing.
func (s Settings) Validate() error {
	var problems []error
	for name, value := range map[string]string{
		"the domain": s.Domain, "the key of administration": s.AdminKey.Reveal(), "the key of introspection": s.IntrospectKey.Reveal(), "soju's image": s.Images.Soju,
		"the front's image": s.Images.Front, "bounceradmin's image": s.Images.BouncerAdmin, "web chat's image": s.Images.Chat, "the database's host": s.Database.Host,
		"the certificates' issuer": s.Issuer.Name, "web chat's client id": s.ChatClientID,
	} {
		if value == "" {
			problems = append(problems, errors.New(name+" is missing"))
		}
	}
	for name, value := range map[string]string{"introspection": s.IntrospectURL, "the OpenID provider": s.OIDCIssuer} {
		if u, err := url.Parse(value); err != nil || u.Host == "" || u.User != nil {
			problems = append(problems, errors.New("the address of "+name+" is no URL with a host"))
		}
	}
	return errors.Join(problems...)
}
