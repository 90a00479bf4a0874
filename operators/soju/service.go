package soju

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
)

// serviceFor is where clients arrive: IRC, and web chat. The platform's web chat reaches the shared bouncer by a Service
// that is there before the bouncer (knative/base/tenants).
func serviceFor(b *v1alpha1.SojuBouncer) *corev1.Service {
	ports := []corev1.ServicePort{servicePort("irc", portIRC)}
	if !shared(b) {
		ports = append(ports, servicePort("chat", portChat))
	}
	return service(b, naming.Bouncer(b.Name).Workload(), ports...)
}

// adminServiceFor is where the platform's programs reach bounceradmin. The network policy keeps others away, and
// bounceradmin wants a token.
func adminServiceFor(b *v1alpha1.SojuBouncer) *corev1.Service {
	return service(b, naming.Bouncer(b.Name).AdminService(), servicePort("admin", portAdmin))
}

func service(b *v1alpha1.SojuBouncer, name string, ports ...corev1.ServicePort) *corev1.Service {
	names := naming.Bouncer(b.Name)
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Namespace: b.Namespace, Name: name, Labels: names.Labels(b.Spec.Owner)},
		Spec:       corev1.ServiceSpec{Selector: names.Selector(), Ports: ports},
	}
}

func servicePort(name string, port int32) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Port: port, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromInt32(port)}
}
