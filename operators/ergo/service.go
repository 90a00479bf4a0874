package ergo

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/reconciler"
)

// serviceFor builds the Service that the ways in lead to.
func serviceFor(n *v1alpha1.ErgoNetwork) *corev1.Service {
	return service(n, names(n).Workload(), port("ircs", portIRC), port("web", portWeb))
}

// apiServiceFor builds the Service of the HTTP API. It is for the operator and nobody else: whoever has the token may do
// everything.
func apiServiceFor(n *v1alpha1.ErgoNetwork) *corev1.Service {
	return service(n, names(n).AdminService(), port("api", portAPI))
}

// entranceFor is what is reached from outside. The HTTP API is not.
func (s *Settings) entranceFor(n *v1alpha1.ErgoNetwork) reconciler.Entrance {
	return reconciler.Entrance{
		Host: s.hostOf(n), IRC: portIRC, Web: portWeb, IRCSection: s.IRCSection, WebSection: s.WebSection,
	}
}

// reachOf lets clients in, and the operator to the HTTP API. The pod itself reaches its database and no more.
func (s *Settings) reachOf() reconciler.Reach {
	return reconciler.Reach{Public: []int32{portIRC, portWeb}, Private: []int32{portAPI}, Platform: s.Platform, Resolver: s.Resolver}
}

func service(n *v1alpha1.ErgoNetwork, name string, ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metaFor(n, name),
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeClusterIP, Selector: names(n).Selector(), Ports: ports,
		},
	}
}

func port(name string, number int32) corev1.ServicePort {
	return corev1.ServicePort{
		Name: name, Port: number, TargetPort: intstr.FromInt32(number), Protocol: corev1.ProtocolTCP,
	}
}
