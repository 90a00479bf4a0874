// Package broker is the CloudEvents broker of the one-machine platform: what Knative Eventing's Broker is in a cluster.
//
// It routes by the Trigger manifests that are applied to the cluster, and keeps the promises made there: an event
// that was accepted (202) survives the death of this process and is delivered at least once to each Trigger whose
// filter takes it, with the manifest's retries and back-off; after those it is a dead letter, kept until somebody
// replays it. Order is not promised. A subscriber answers with an empty body or an event; an event goes back into
// the broker.
//
// The broker must not know any event type or subscriber: names come from the manifests, addresses from [Config].
package broker
