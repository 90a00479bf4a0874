package local

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strconv"

	"irc.now/longrunning/front"
	"irc.now/longrunning/local/servers/ergo"
	"irc.now/longrunning/local/servers/soju"
	"irc.now/shared/account"
	"irc.now/shared/background"
	"irc.now/shared/bouncer"
	"irc.now/shared/config"
	"irc.now/shared/network"
	"irc.now/shared/telemetry"
)

// startServers starts the bouncer and the local network. Introspection is up by now: soju asks it when it starts.
func (p *Platform) startServers(ctx context.Context) error {
	networkKeeper := p.keeper("The local IRC network (ergo)", p.startNetwork)
	networkKeeper.back = p.callBouncerBack
	bouncerKeeper := p.ownKeeper("The bouncer (soju)", p.startBouncer)
	if err := p.makeFront(); err != nil {
		return err
	}
	p.atStop(func(ctx context.Context) error { // soju ends the connections that the front waits for
		return background.Together(
			func() error { return p.front.Stop(ctx) },
			func() error { return bouncerKeeper.end(ctx) },
		)
	})
	if err := background.Together(
		func() error { return networkKeeper.begin(ctx) },
		func() error { return bouncerKeeper.begin(ctx) },
	); err != nil {
		return err
	}
	for _, door := range p.ports.irc { // clients that came before have waited in the port's queue
		go func() { _ = p.front.Serve(door, nil) }() // ends with its Stop
	}
	return nil
}

// makeFront makes what IRC clients reach of the bouncer.
func (p *Platform) makeFront() (err error) {
	p.front, err = front.New(front.Config{
		Socket: p.sockets.irc, Announce: bouncer.TakesProxy(p.soju.Version), Log: p.logOf("front"), Metrics: telemetry.NewRegistry(),
	})
	if err != nil {
		return fmt.Errorf("make the bouncer's front: %w", err)
	}
	return nil
}

// callBouncerBack makes the bouncer connect to the local network at once, which has been started again.
func (p *Platform) callBouncerBack(ctx context.Context) {
	for _, host := range p.ports.networkHosts {
		asked, err := p.admin.Reconnect(ctx, bouncer.Address{Host: host, Port: p.ports.network})
		if err != nil && ctx.Err() == nil {
			p.logOf("bounceradmin").WarnContext(ctx, "not everybody was connected to the local network again", slog.Any("error", err))
		}
		p.logOf("bounceradmin").InfoContext(ctx, "told the bouncer that the local network is back", slog.Int("connections", asked))
	}
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
			Hostname: Domain, Title: "irc.now", AdminSocket: p.sockets.admin, IRCSocket: p.sockets.irc,
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
