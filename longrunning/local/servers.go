package local

import (
	"context"
	"net"
	"net/url"
	"path/filepath"
	"strconv"

	"irc.now/longrunning/local/servers/ergo"
	"irc.now/longrunning/local/servers/soju"
	"irc.now/shared/account"
	"irc.now/shared/background"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/network"
)

// startServers starts the bouncer and the local network. Introspection is up by now: soju asks it when it starts.
func (p *Platform) startServers(ctx context.Context) error {
	networkKeeper := p.keeper("The local IRC network (ergo)", p.startNetwork)
	bouncerKeeper := p.keeper("The bouncer (soju)", p.startBouncer)
	return background.Together(
		func() error { return networkKeeper.begin(ctx) },
		func() error { return bouncerKeeper.begin(ctx) },
	)
}

func (p *Platform) startNetwork(ctx context.Context) (server, error) {
	return ergo.Start(ctx, ergo.Config{
		Program: p.ergo, Dir: p.dir("ergo"), Log: p.logOf("ergo"),
		MOTD: "This network runs on your machine, for you to try irc.now with.\n",
		Network: network.Config{
			Name: "irc.now-local", ServerName: "network." + Domain, Listen: addresses(p.ports.networkHosts, p.ports.network),
			Exempt:  []string{"127.0.0.0/8", "::1/128"}, // the bouncer brings everybody from one address
			History: network.History{DatabaseURL: p.tenants.network.owner},
		},
	})
}

func (p *Platform) startBouncer(ctx context.Context) (server, error) {
	free := account.EntitlementsFor(account.Free)
	return soju.Start(ctx, soju.Config{
		Program: p.soju, Dir: p.dir("soju"), Log: p.logOf("soju"),
		Bouncer: bouncer.Config{
			Hostname: Domain, Title: "irc.now", AdminSocket: p.socket,
			Listen:            prefixed("irc+insecure://", addresses(p.ports.ircHosts, p.ports.irc)),
			DatabaseURL:       p.tenants.soju.owner,
			OAuthURL:          p.oauthURL(),
			MaxUserNetworks:   free.UpstreamNetworks,
			MessageExpiryDays: int(free.Scrollback.Hours()) / 24,
		},
	})
}

// oauthURL is introspection's address with soju's credentials.
func (p *Platform) oauthURL() config.Secret {
	address, err := url.Parse(p.address("introspect"))
	if err != nil {
		return "" // our own listener's address always parses
	}
	address.User = url.UserPassword(bouncerClient, p.secrets.client(bouncerClient).Reveal())
	return config.Secret(address.String())
}

// dir is the folder of one part.
func (p *Platform) dir(name string) string { return filepath.Join(p.config.Dir, name) }

func addresses(hosts []string, port int) []string {
	var list []string
	for _, host := range hosts {
		list = append(list, net.JoinHostPort(host, strconv.Itoa(port)))
	}
	return list
}

func prefixed(prefix string, texts []string) []string {
	var list []string
	for _, text := range texts {
		list = append(list, prefix+text)
	}
	return list
}
