package reconciler

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"irc.now/operators/naming"
)

func portNumber(port int32) intstr.IntOrString { return intstr.FromInt32(port) }

// Reach says who may talk to a pod, and what it may talk to.
type Reach struct {
	Public []int32 // ports for everybody
	// Private are ports for pods of the Platform's namespaces only.
	Private []int32
	// Platform are the namespaces of the platform's own programs, its database and its ingress.
	Platform []string
	// Internet lets the pod connect to any public address and to all of the platform, as a bouncer has to. Others reach
	// the platform's database alone.
	Internet bool
	// Resolver is whom it asks for names.
	Resolver Resolver
}

// Address ranges that are not the internet: a tenant's server must be no door into the cluster's own networks.
var (
	notInternet4 = []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
		"192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3",
	}
	notInternet6 = []string{"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"}
)

const (
	// ircPort is where networks of other tenants listen, which a bouncer may reach inside the cluster.
	ircPort = 6697
	// databasePort is what the platform's PostgreSQL listens on, behind whatever Service.
	databasePort = 5432
)

// NetworkPolicyFor lets a pod be reached, and reach others, as r says. Names are resolved by the cluster's DNS.
func NetworkPolicyFor(namespace string, names naming.Objects, user string, r Reach) *networkingv1.NetworkPolicy {
	platform := []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{
		MatchExpressions: []metav1.LabelSelectorRequirement{{
			Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpIn, Values: r.Platform,
		}},
	}}}
	ingress := []networkingv1.NetworkPolicyIngressRule{{Ports: tcp(r.Public...)}}
	if len(r.Private) > 0 {
		ingress = append(ingress, networkingv1.NetworkPolicyIngressRule{Ports: tcp(r.Private...), From: platform})
	}
	egress := []networkingv1.NetworkPolicyEgressRule{r.Resolver.rule()}
	if !r.Internet {
		egress = append(egress, networkingv1.NetworkPolicyEgressRule{To: platform, Ports: tcp(databasePort)})
	} else {
		egress = append(egress,
			// Who signs in is asked of the platform through its ingress, on whatever port that listens.
			networkingv1.NetworkPolicyEgressRule{To: platform},
			networkingv1.NetworkPolicyEgressRule{To: []networkingv1.NetworkPolicyPeer{
				{IPBlock: &networkingv1.IPBlock{CIDR: "0.0.0.0/0", Except: notInternet4}},
				{IPBlock: &networkingv1.IPBlock{CIDR: "::/0", Except: notInternet6}},
			}},
			networkingv1.NetworkPolicyEgressRule{
				Ports: tcp(ircPort),
				To:    []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{naming.LabelPartOf: naming.PartOf}}}},
			})
	}
	return &networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: names.Workload(), Labels: names.Labels(user)},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: names.Selector()},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			Ingress:     ingress, Egress: egress,
		},
	}
}

func tcp(ports ...int32) []networkingv1.NetworkPolicyPort {
	var list []networkingv1.NetworkPolicyPort
	for _, port := range ports {
		list = append(list, networkingv1.NetworkPolicyPort{Protocol: ptr(corev1.ProtocolTCP), Port: ptr(portNumber(port))})
	}
	return list
}

// DisruptionBudgetFor lets one pod be evicted at a time. There is only one, so that nodes can be drained: a server that
// comes back within seconds on another node is better than a node that its administrator has to empty by force.
func DisruptionBudgetFor(namespace string, names naming.Objects, user string) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: names.Workload(), Labels: names.Labels(user)},
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable:             ptr(portNumber(1)),
			Selector:                   &metav1.LabelSelector{MatchLabels: names.Selector()},
			UnhealthyPodEvictionPolicy: ptr(policyv1.AlwaysAllow),
		},
	}
}
