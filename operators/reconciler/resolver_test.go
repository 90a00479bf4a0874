package reconciler_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"irc.now/operators/naming"
	"irc.now/operators/reconciler"
)

func TestNameserversAreReadFromTheSystem(t *testing.T) {
	got, err := reconciler.NameserversIn(strings.NewReader(`# comment
search irc-now.svc.cluster.local svc.cluster.local
nameserver 127.0.0.53
nameserver 10.96.0.10
nameserver fd00::a
nameserver fe80::1%eth0
nameserver nonsense
nameserver
nameserver 10.96.0.11
nameserver 10.96.0.12
options ndots:5
`))
	if want := []string{"10.96.0.10", "fd00::a", "10.96.0.11"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
}

// A user tells a bouncer where to connect; "kubernetes.default" must not become kubernetes.default.svc.cluster.local.
func TestPodsCompleteNoNames(t *testing.T) {
	resolver := reconciler.Resolver{Nameservers: []string{"10.96.0.10", "fd00::a"}, Namespaces: []string{"kube-system"}}
	d := reconciler.DeploymentFor("tenants", naming.Bouncer("alice"), "alice", reconciler.Pod{Resolver: resolver})
	pod := d.Spec.Template.Spec
	if pod.DNSPolicy != corev1.DNSNone || pod.DNSConfig == nil || len(pod.DNSConfig.Searches) != 0 ||
		!slices.Equal(pod.DNSConfig.Nameservers, resolver.Nameservers) || *pod.DNSConfig.Options[0].Value != "1" {
		t.Errorf("%s %+v", pod.DNSPolicy, pod.DNSConfig)
	}
}

func TestOnlyTheClustersDNSIsAsked(t *testing.T) {
	resolver := reconciler.Resolver{Nameservers: []string{"10.96.0.10", "fd00::a"}, Namespaces: []string{"kube-system"}}
	policy := reconciler.NetworkPolicyFor("tenants", naming.Bouncer("alice"), "alice", reconciler.Reach{Platform: []string{"irc-now"}, Resolver: resolver})
	for _, rule := range policy.Spec.Egress {
		if len(rule.To) == 0 {
			t.Errorf("a rule without destination: %+v", rule)
		}
	}
	to := policy.Spec.Egress[0].To
	if len(to) != 3 || to[1].IPBlock.CIDR != "10.96.0.10/32" || to[2].IPBlock.CIDR != "fd00::a/128" {
		t.Errorf("names are asked for at %+v", to)
	}
}

func TestNamesThatNeedCompletingAreTold(t *testing.T) {
	for host, complete := range map[string]bool{
		"10.0.0.1": true, "::1": true, "db.example.org": true, "database-rw.irc-now.svc.cluster.local": true,
		"database-rw": false, "database-rw.irc-now.svc": false, "database-rw.irc-now.svc.": false,
	} {
		if reconciler.Complete(host) != complete {
			t.Errorf("%s: %t", host, !complete)
		}
	}
	for _, bad := range []string{"", "127.0.0.53", "name", "fe80::1%eth0"} {
		if (reconciler.Resolver{Nameservers: []string{bad}}).Validate() == nil {
			t.Errorf("%q is taken for a nameserver", bad)
		}
	}
}
