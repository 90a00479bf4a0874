package local

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"irc.now/functions/billing"
	"irc.now/knative"
	"irc.now/longrunning/local/broker"
	"irc.now/shared/config"
	"irc.now/shared/function/cloudevent"
	"irc.now/shared/telemetry"
)

// Broker is the platform's CloudEvents broker. Whoever stops it starts it again.
func (p *Platform) Broker() *broker.Broker { return p.broker }

// startBroker starts the broker with the cluster's triggers. Its subscribers may start later.
func (p *Platform) startBroker(ctx context.Context, handler *late) error {
	made, err := broker.New(broker.Config{
		Manifests: knative.Base(), DatabaseURL: p.tenants.broker.owner.Reveal(),
		Subscribers: map[string]config.URL{
			"billing": config.URL(p.internal.billing), "limits": config.URL(p.internal.limits),
			"outbox": config.URL(p.internal.outbox), "revoke": config.URL(p.internal.revoke),
		},
		Log: p.logOf("broker"), Metrics: telemetry.NewRegistry(), OnDeadLetter: p.sayDeadLetter,
	})
	if err != nil {
		return err
	}
	if err := made.Start(ctx); err != nil {
		return err
	}
	p.atStop(made.Stop)
	p.broker = made
	handler.set(made)
	return nil
}

func (p *Platform) sayDeadLetter(letter broker.DeadLetter) {
	p.say("An event for %s could not be delivered (%s). It is kept; see %s/dead-letters.",
		letter.Trigger, letter.Problem, p.urls.Events)
}

// startBilling starts the function that settles what customers have.
func (p *Platform) startBilling(ctx context.Context, handler *late) error {
	return p.mount(ctx, "billing", cloudevent.Function(billing.New()), p.billingEnv(), handler)
}

// below serves handler below a path that only our own parts know: other users of the machine reach the port as well,
// and a broker takes events from everybody who reaches it.
func below(secret string, handler http.Handler) http.Handler {
	prefix := "/" + secret
	inner := http.StripPrefix(prefix, handler)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == prefix {
			r = r.Clone(r.Context())
			r.URL.Path += "/"
		}
		if !strings.HasPrefix(r.URL.Path, prefix+"/") {
			http.NotFound(w, r)
			return
		}
		inner.ServeHTTP(w, r)
	})
}

// serveBroker opens the broker's internal port.
func (p *Platform) serveBroker(ctx context.Context, handler http.Handler) error {
	secret := p.secrets.values.Broker
	served, err := p.serveInternal(ctx, below(secret, handler))
	if err != nil {
		return fmt.Errorf("open an internal port: %w", err)
	}
	p.internal.broker = served + "/" + secret
	p.urls.Events = p.internal.broker
	return nil
}
