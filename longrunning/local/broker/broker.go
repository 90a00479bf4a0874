package broker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"irc.now/shared/background"
	"irc.now/shared/config"
	"irc.now/shared/event"
	"irc.now/shared/outbound"
)

// Config is what a Broker needs.
type Config struct {
	// Manifests holds the Broker and Trigger manifests, as Load reads them.
	Manifests fs.FS
	// Subscribers are the addresses of the Knative Services that the manifests name.
	Subscribers map[string]config.URL
	// DatabaseURL is a PostgreSQL database of the broker's own.
	DatabaseURL string
	Log         *slog.Logger
	Metrics     prometheus.Registerer // nil where nobody measures
	// OnDeadLetter is told of each new dead letter, if it is set. It must not wait for the broker.
	OnDeadLetter func(DeadLetter)
}

// Broker takes events over HTTP and delivers them. It serves, on an address that only our own programs reach:
//
//	POST /                      a CloudEvent; 202 once it is stored for good, 503 while the broker is stopped
//	GET  /dead-letters          what could not be delivered, as text
//	POST /dead-letters/replay   delivers dead letters again: all, or the one of ?number=
//
// It is safe for concurrent use.
type Broker struct {
	config   Config
	triggers []*route
	metrics  *metrics
	handler  http.Handler

	life sync.Mutex   // held by Start and Stop, so that one run ends before another begins
	mu   sync.RWMutex // held for reading while now is used
	now  *run         // nil while stopped
}

// route is a trigger with its filter, its subscriber's address and its patience.
type route struct {
	TriggerManifest
	policy  policy
	address string
	client  *http.Client
}

func (r *route) name() string { return r.Metadata.Name }

// run is what lives from Start to Stop.
type run struct {
	queue *queue
	lanes map[string]*lane
	tasks background.Group // one for each lane
}

// ErrRunning is what Start returns for a broker that runs already.
var ErrRunning = errors.New("the broker runs already")

// New reads the manifests and checks that every subscriber they name is known. The broker is stopped.
func New(c Config) (*Broker, error) {
	manifests, err := Load(c.Manifests)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	b := &Broker{config: c, metrics: newMetrics(c.Metrics)}
	for _, trigger := range manifests.Triggers {
		r, err := routeFor(trigger, manifests.Broker.Spec.Delivery, c.Subscribers)
		if err != nil {
			return nil, fmt.Errorf("broker: trigger %s: %w", trigger.Metadata.Name, err)
		}
		b.triggers = append(b.triggers, r)
	}
	b.handler = b.routes()
	return b, nil
}

func routeFor(trigger TriggerManifest, fallback *Delivery, subscribers map[string]config.URL) (*route, error) {
	p, err := trigger.Spec.Delivery.policy(fallback)
	if err != nil {
		return nil, err
	}
	to := trigger.Spec.Subscriber
	address, known := subscribers[to.Ref.Name]
	if !known {
		return nil, fmt.Errorf("its subscriber %s is not here", to.Ref.Name)
	}
	uri := to.URI
	if uri == "" {
		uri = "/"
	}
	return &route{TriggerManifest: trigger, policy: p, address: address.Join(uri), client: outbound.Client(p.timeout)}, nil
}

// Start opens the database and begins to deliver what is there. ctx bounds the start alone.
func (b *Broker) Start(ctx context.Context) error {
	b.life.Lock()
	defer b.life.Unlock()
	if b.now != nil {
		return ErrRunning
	}
	queue, err := openQueue(ctx, b.config.DatabaseURL)
	if err != nil {
		return fmt.Errorf("start broker: %w", err)
	}
	var names []string
	for _, r := range b.triggers {
		names = append(names, r.name())
	}
	if err := queue.recover(ctx, names); err != nil {
		queue.close()
		return fmt.Errorf("start broker: %w", err)
	}
	b.swap(b.begin(queue))
	return nil
}

// swap waits for whoever uses the run of before, and returns it.
func (b *Broker) swap(next *run) (before *run) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before, b.now = b.now, next
	return before
}

// begin starts a lane for each trigger.
func (b *Broker) begin(queue *queue) *run {
	now := &run{queue: queue, lanes: map[string]*lane{}}
	for _, r := range b.triggers {
		now.lanes[r.name()] = newLane(r, queue, b.config, b.metrics, func(ctx context.Context, to, reply event.Event) error {
			return now.acceptReply(ctx, b.triggers, to, reply, b.metrics)
		})
	}
	for _, l := range now.lanes {
		now.tasks.Go(l.run)
	}
	return now
}

// Stop refuses new events and waits for the deliveries under way. When ctx ends first, they are cut short, and begin
// anew at the next Start. Stopping a stopped broker does nothing.
func (b *Broker) Stop(ctx context.Context) error {
	b.life.Lock()
	defer b.life.Unlock()
	now := b.swap(nil)
	if now == nil {
		return nil
	}
	_ = now.tasks.Stop(ctx) // what is cut short is kept, so it is no failure
	now.queue.close()
	return nil
}

// ServeHTTP answers as the type's comment says.
func (b *Broker) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.handler.ServeHTTP(w, r) }

func (b *Broker) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", b.receive)
	mux.HandleFunc("GET /dead-letters", b.listDeadLetters)
	mux.HandleFunc("POST /dead-letters/replay", b.replayDeadLetters)
	// A browser on this machine reaches the address too; a page in it is a stranger.
	return http.NewCrossOriginProtection().Handler(mux)
}
