package knative_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"irc.now/knative/render"
)

// end is one end of a connection: a pod, or an address outside of the cluster.
type end struct {
	namespace string
	trusted   bool // its namespace carries the platform's label
	pod       labels.Set
	address   string
}

// The ends of connections in an installation.
var (
	aFunction = end{namespace: "irc-now", pod: labels.Set{"serving.knative.dev/service": "portal"}}
	anotherFn = end{namespace: "irc-now", pod: labels.Set{"serving.knative.dev/service": "revoke"}}
	operator  = end{namespace: "irc-now", pod: labels.Set{"app.kubernetes.io/name": "operator"}}
	webChat   = end{namespace: "irc-now", pod: labels.Set{"app.kubernetes.io/name": "chat"}}
	instance  = end{namespace: "irc-now", pod: labels.Set{"cnpg.io/cluster": "database", "cnpg.io/instanceRole": "primary"}}
	newcomer  = end{namespace: "irc-now", pod: labels.Set{"app": "forgotten"}}
	ingress   = end{namespace: "kourier-system", trusted: true, pod: labels.Set{"app": "gateway"}}
	tenant    = end{namespace: "irc-now-tenants", pod: labels.Set{"app.kubernetes.io/name": "soju"}}
	stranger  = end{namespace: "default", pod: labels.Set{"app": "stranger"}}
	dns       = end{namespace: "kube-system", pod: labels.Set{"k8s-app": "kube-dns"}}
	internet  = end{address: "203.0.113.7"}
	metadata  = end{address: "169.254.169.254"}
	apiServer = end{address: "10.0.0.1"}
)

// policies are an overlay's.
func policies(t *testing.T, overlay string) (all []networkingv1.NetworkPolicy) {
	t.Helper()
	for _, object := range rendered(t, overlay) {
		if object.Kind() == "NetworkPolicy" {
			all = append(all, policyOf(t, object))
		}
	}
	return all
}

func policyOf(t *testing.T, object render.Object) (p networkingv1.NetworkPolicy) {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func selects(t *testing.T, selector *metav1.LabelSelector, set labels.Set) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return s.Matches(set)
}

// isPeer reports whether a policy of that namespace means the end.
func isPeer(t *testing.T, peer networkingv1.NetworkPolicyPeer, namespace string, e end) bool {
	t.Helper()
	if peer.IPBlock != nil {
		address, err := netip.ParseAddr(e.address)
		within := func(cidr string) bool { return err == nil && netip.MustParsePrefix(cidr).Contains(address) }
		return within(peer.IPBlock.CIDR) && !slices.ContainsFunc(peer.IPBlock.Except, within)
	}
	if e.namespace == "" {
		return false
	}
	if peer.NamespaceSelector == nil {
		return e.namespace == namespace && selects(t, peer.PodSelector, e.pod)
	}
	of := labels.Set{corev1.LabelMetadataName: e.namespace}
	if e.trusted {
		of["irc.now/platform"] = "true"
	}
	return selects(t, peer.NamespaceSelector, of) && (peer.PodSelector == nil || selects(t, peer.PodSelector, e.pod))
}

// passes reports whether a rule lets a connection pass; no peers are all peers, no ports all ports.
func passes(t *testing.T, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, namespace string, e end, port int) bool {
	t.Helper()
	peered := len(peers) == 0 || slices.ContainsFunc(peers, func(p networkingv1.NetworkPolicyPeer) bool { return isPeer(t, p, namespace, e) })
	open := len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		return *p.Protocol == corev1.ProtocolTCP && p.Port.IntValue() == port
	})
	return peered && open
}

// way reports whether the policies of one end, in one direction, let it connect with the other.
func way(t *testing.T, all []networkingv1.NetworkPolicy, direction networkingv1.PolicyType, of, other end, port int) bool {
	t.Helper()
	judged, open := false, false
	for _, p := range all {
		if p.Namespace != of.namespace || !slices.Contains(p.Spec.PolicyTypes, direction) || !selects(t, &p.Spec.PodSelector, of.pod) {
			continue
		}
		judged = true
		if direction == networkingv1.PolicyTypeIngress {
			for _, rule := range p.Spec.Ingress {
				open = open || passes(t, rule.From, rule.Ports, p.Namespace, other, port)
			}
			continue
		}
		for _, rule := range p.Spec.Egress {
			open = open || passes(t, rule.To, rule.Ports, p.Namespace, other, port)
		}
	}
	return open || !judged
}

func TestThePlatformsPodsTakeWhatTheyServeAndNoMore(t *testing.T) {
	for _, overlay := range overlays(t) {
		all := policies(t, overlay)
		for _, c := range []struct {
			what string
			to   end
			port int
			by   []*end
		}{
			{"a function's proxy", aFunction, 8012, []*end{&ingress}},
			{"a function past its proxy", aFunction, 8080, nil},
			{"a function's metrics", aFunction, 9095, []*end{&ingress}},
			{"the operator's metrics and profiles", operator, 9095, []*end{&ingress}},
			{"the operator's health", operator, 8081, nil},
			{"web chat", webChat, 8081, []*end{&ingress}},
			{"the database", instance, 5432, []*end{&anotherFn, &operator, &instance, &tenant, &webChat}},
			{"the database's status", instance, 8000, []*end{&ingress, &instance}},
			{"what somebody forgot to close", newcomer, 8080, nil},
		} {
			for _, from := range []*end{&anotherFn, &operator, &webChat, &instance, &ingress, &tenant, &stranger} {
				if got, want := way(t, all, networkingv1.PolicyTypeIngress, c.to, *from, c.port), slices.Contains(c.by, from); got != want {
					t.Errorf("%s: %v in %s reaches %s: %t", overlay, from.pod, from.namespace, c.what, got)
				}
			}
		}
	}
}

func TestThePlatformsPodsReachWhatTheyNeedAndNoMore(t *testing.T) {
	for _, overlay := range overlays(t) {
		all := policies(t, overlay)
		for _, from := range []end{aFunction, operator, webChat, instance, newcomer} {
			for _, c := range []struct {
				what string
				to   end
				port int
				open bool
			}{
				{"the database", instance, 5432, true},
				{"a bouncer's administration", tenant, 8090, true},
				{"the ingress", ingress, 8080, true},
				{"names", dns, 53, true},
				{"something else of the cluster's own", dns, 10250, false},
				{"somebody else's pod", stranger, 8080, false},
				{"Stripe", internet, 443, true},
				{"an IRC network", internet, 6697, false},
				{"the API server", apiServer, 6443, true},
				{"a kubelet", apiServer, 10250, false},
				{"the node's metadata", metadata, 80, false},
				{"the node's metadata, by HTTPS", metadata, 443, false},
			} {
				if got := way(t, all, networkingv1.PolicyTypeEgress, from, c.to, c.port); got != c.open {
					t.Errorf("%s: %v reaches %s: %t", overlay, from.pod, c.what, got)
				}
			}
		}
	}
}

// A rule without an end is a rule for everybody.
func TestNoEgressIsWithoutDestination(t *testing.T) {
	for _, overlay := range overlays(t) {
		for _, p := range policies(t, overlay) {
			for _, rule := range p.Spec.Egress {
				if len(rule.To) == 0 {
					t.Errorf("%s: %s/%s lets pods reach everybody at %v", overlay, p.Namespace, p.Name, rule.Ports)
				}
			}
		}
	}
}
