package reconciler

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// maxNameservers is how many Kubernetes takes for a pod.
const maxNameservers = 3

// Resolver is who resolves names for tenants' pods.
type Resolver struct {
	// Nameservers are the addresses of the cluster's DNS. Without any, pods have what the cluster gives everybody, and
	// complete names by the cluster's own: "kubernetes.default" leads somewhere then.
	Nameservers []string
	// Namespaces are where the programs behind those addresses run.
	Namespaces []string
}

// NameserversIn reads the nameservers of a resolv.conf, of which it leaves out those of the machine itself.
func NameserversIn(file io.Reader) ([]string, error) {
	var found []string
	lines := bufio.NewScanner(file)
	for lines.Scan() && len(found) < maxNameservers {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if address, err := netip.ParseAddr(words[1]); err == nil && address.Zone() == "" && !address.IsLoopback() {
			found = append(found, address.String())
		}
	}
	return found, lines.Err()
}

// Validate reports addresses that are none, and more than a pod may have.
func (r Resolver) Validate() error {
	var problems []error
	if len(r.Nameservers) > maxNameservers {
		problems = append(problems, fmt.Errorf("pods have %d nameservers at most", maxNameservers))
	}
	for _, server := range r.Nameservers {
		if address, err := netip.ParseAddr(server); err != nil || address.Zone() != "" || address.IsLoopback() {
			problems = append(problems, errors.New("a nameserver is an IP address that pods can reach"))
		}
	}
	return errors.Join(problems...)
}

// Complete reports whether a host is an address or a name that needs no completing: pods complete none.
func Complete(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return strings.Contains(host, ".") && !strings.HasSuffix(strings.TrimSuffix(host, "."), ".svc")
}

// settle makes a pod ask these nameservers, for names as they are written. Users choose what a bouncer connects to: what
// the cluster would complete to a service of its own must be no name.
func (r Resolver) settle(pod *corev1.PodSpec) {
	if len(r.Nameservers) == 0 {
		return
	}
	pod.DNSPolicy = corev1.DNSNone // any other adds the cluster's searches
	pod.DNSConfig = &corev1.PodDNSConfig{
		Nameservers: r.Nameservers, Options: []corev1.PodDNSConfigOption{{Name: "ndots", Value: ptr("1")}},
	}
}

// rule lets a pod ask for names, and nobody else on those ports. Most clusters translate a Service's address before they
// judge, some after, and a nameserver of the node itself is in no namespace.
func (r Resolver) rule() networkingv1.NetworkPolicyEgressRule {
	peers := []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{
		MatchExpressions: []metav1.LabelSelectorRequirement{{
			Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpIn, Values: r.Namespaces,
		}},
	}}}
	for _, server := range r.Nameservers {
		if address, err := netip.ParseAddr(server); err == nil {
			cidr := netip.PrefixFrom(address, address.BitLen()).String()
			peers = append(peers, networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: cidr}})
		}
	}
	return networkingv1.NetworkPolicyEgressRule{To: peers, Ports: []networkingv1.NetworkPolicyPort{
		{Protocol: ptr(corev1.ProtocolUDP), Port: ptr(portNumber(53))}, {Protocol: ptr(corev1.ProtocolTCP), Port: ptr(portNumber(53))},
		// CoreDNS of OpenShift listens there behind its Service.
		{Protocol: ptr(corev1.ProtocolUDP), Port: ptr(portNumber(5353))}, {Protocol: ptr(corev1.ProtocolTCP), Port: ptr(portNumber(5353))},
	}}
}
