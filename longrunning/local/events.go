package local

import (
	"context"
	"net/http"
	"strings"

	"irc.now/functions"
	"irc.now/knative"
	"irc.now/longrunning/local/broker"
	"irc.now/shared/config"
	"irc.now/shared/telemetry"
)

// Broker is the platform's CloudEvents broker. Whoever stops it starts it again.
func (p *Platform) Broker() *broker.Broker { return p.broker }

// startBroker starts the broker with the cluster's triggers, whose subscribers are found by the names that the triggers
// call them. They may start later.
func (p *Platform) startBroker(ctx context.Context) error {
	subscribers := map[string]config.URL{}
	for _, part := range functions.Where(internal) {
		subscribers[part.Name] = config.URL(p.address(part.Name))
	}
	made, err := broker.New(broker.Config{
		Manifests: knative.Base(), DatabaseURL: p.tenants.broker.owner.Reveal(), Subscribers: subscribers,
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
	p.answer(brokerDoor, below(p.secrets.brokerPath().Reveal(), made))
	return nil
}

// brokerAddress holds a path that only our own parts are told.
func (p *Platform) brokerAddress() string {
	return p.address(brokerDoor) + "/" + p.secrets.brokerPath().Reveal()
}

func (p *Platform) sayDeadLetter(letter broker.DeadLetter) {
	p.say("An event for %s could not be delivered (%s). It is kept; see %s/dead-letters.",
		letter.Trigger, letter.Problem, p.urls.Events)
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
