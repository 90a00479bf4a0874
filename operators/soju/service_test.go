package soju

import (
	"maps"
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"irc.now/operators/naming"
	"irc.now/shared/bouncer"
)

// The Service of the shared bouncer's WebSocket is the manifests', and the pod is ours.
func TestWebChatsServiceLeadsToTheSharedBouncer(t *testing.T) {
	text, err := os.ReadFile("../../knative/base/tenants/soju-shared-web.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var service corev1.Service
	if err := yaml.UnmarshalStrict(text, &service); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(service.Spec.Selector, naming.Bouncer(bouncer.Shared).Selector()) {
		t.Errorf("it selects %v", service.Spec.Selector)
	}
	if ports := service.Spec.Ports; len(ports) != 1 || ports[0].TargetPort.IntVal != portSocket {
		t.Errorf("its ports are %v", ports)
	}
}
