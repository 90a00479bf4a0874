package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"irc.now/functions"
	"irc.now/longrunning/bounceradmin"
	"irc.now/longrunning/front"
	"irc.now/longrunning/local/broker"
	"irc.now/longrunning/local/identity"
	"irc.now/longrunning/local/servers/ergo"
	"irc.now/longrunning/local/servers/postgres"
	"irc.now/longrunning/local/servers/soju"
	"irc.now/longrunning/local/stripe"
	"irc.now/shared/background"
)

// stopPatience bounds a whole stop: PostgreSQL needs a moment for its last checkpoint.
const stopPatience = 40 * time.Second

// URLs are the platform's front doors.
type URLs struct {
	Landing  string // the public site
	Portal   string // accounts, networks, connection passwords
	Identity string // sign-in
	Stripe   string // the stand-in for Stripe: where one pays, and what it sent
	IRC      string // host:port of the bouncer, for IRC clients
	Network  string // host:port of the local IRC network
	Events   string // of the broker, for whoever looks after the platform: its dead letters are below

	DemoEmail, DemoPassword string // an account that is there from the start
}

// Platform is the running whole. Start makes it.
type Platform struct {
	config  Config
	secrets secrets
	urls    URLs

	ports    ports
	database *postgres.Server
	tenants  tenants
	soju     soju.Program
	ergo     ergo.Program
	doors    map[string]net.Listener // of parts that only other parts talk to
	sites    *functions.Hosted
	identity *identity.Provider
	broker   *broker.Broker
	stripe   *stripe.Server // nil where Stripe itself is used

	sockets sockets // soju's
	front   *front.Server
	admin   *bounceradmin.Server

	began  time.Time
	mu     sync.Mutex // guards what follows, and output to Progress
	onStop []func(context.Context) error
}

// demoEmail is an address that can never belong to anybody.
const demoEmail = "demo@" + Domain

// Start brings everything up and returns once all of it works. An error leaves nothing running; [Explain] turns it
// into the sentence to show. The platform runs until Stop, whatever becomes of ctx.
func Start(ctx context.Context, c Config) (*Platform, error) {
	if err := c.fill(); err != nil {
		return nil, err
	}
	p := &Platform{config: c, began: time.Now(), doors: map[string]net.Listener{}}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, p.Stop(context.WithoutCancel(ctx)))
	}
	return p, nil
}

// start runs the steps in an order in which each finds what it needs.
func (p *Platform) start(ctx context.Context) error {
	steps := []func(context.Context) error{
		p.openFolder,
		p.openPorts,
		p.startFoundations,
		p.startTenants,
		p.startServices,
		p.startServers,
		p.startTicks,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("start was interrupted: %w", err)
		}
	}
	return nil
}

func (p *Platform) openFolder(context.Context) (err error) {
	lock, err := openFolder(p.config.Dir)
	if err != nil {
		return err
	}
	p.atStop(func(context.Context) error { return lock.Close() })
	if p.secrets, err = loadSecrets(p.config.Dir); err != nil {
		return err
	}
	return p.chooseSockets()
}

// maxSocketPath is what a Unix socket's address holds on the system with the least room (macOS).
const maxSocketPath = 103

// sockets are soju's: of its commands, and of IRC, by which the front brings clients.
type sockets struct{ admin, irc string }

func socketsIn(folder string) sockets {
	return sockets{filepath.Join(folder, "admin.sock"), filepath.Join(folder, "irc.sock")}
}

// chooseSockets puts soju's sockets into the data folder, or into a temporary one where the path is too long.
func (p *Platform) chooseSockets() error {
	p.sockets = socketsIn(p.dir("soju"))
	if len(p.sockets.admin) <= maxSocketPath {
		return nil
	}
	temp, err := os.MkdirTemp("", "irc.now-") // for us alone: whoever can open the sockets owns the bouncer
	if err != nil {
		return fmt.Errorf("make a folder for the bouncer's sockets: %w", err)
	}
	p.sockets = socketsIn(temp)
	p.atStop(func(context.Context) error { return os.RemoveAll(temp) })
	return nil
}

// startFoundations gets the foreign programs and starts the database, at the same time: at the first start all three
// may have to be downloaded. The two downloads of packages follow each other, for they share apt's lists.
func (p *Platform) startFoundations(ctx context.Context) error {
	return background.Together(
		func() error { return p.startDatabase(ctx) },
		func() error { return p.findPrograms(ctx) },
	)
}

func (p *Platform) findPrograms(ctx context.Context) (err error) {
	if p.soju, err = soju.Find(ctx, p.config.CacheDir, p.progressLog("soju")); err != nil {
		return err
	}
	p.ergo, err = ergo.Find(ctx, p.config.CacheDir, p.progressLog("ergo"))
	return err
}

// URLs are the platform's front doors. The demo password is among them: show it to the platform's owner only.
func (p *Platform) URLs() URLs { return p.urls }

// atStop remembers what undoes a step; the last step is undone first.
func (p *Platform) atStop(undo func(context.Context) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onStop = append(p.onStop, undo)
}

// Stop ends every child and closes every port; what was kept is in the folder. It waits until all of it is gone.
func (p *Platform) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	var errs []error
	for _, undo := range slices.Backward(p.onStop) {
		errs = append(errs, undo(ctx))
	}
	p.onStop = nil
	return errors.Join(errs...)
}

// say tells the owner what happens, one line at a time.
func (p *Platform) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintf(p.config.Progress, "%6.1f s  %s\n", time.Since(p.began).Seconds(), fmt.Sprintf(format, args...))
}

// keeper makes a keeper of one of the foreign servers, which the platform's stop ends.
func (p *Platform) keeper(name string, start func(context.Context) (server, error)) *keeper {
	k := p.ownKeeper(name, start)
	p.atStop(k.end)
	return k
}

// ownKeeper makes a keeper that its caller ends.
func (p *Platform) ownKeeper(name string, start func(context.Context) (server, error)) *keeper {
	return &keeper{name: name, start: start, say: p.say, log: p.config.Log}
}
