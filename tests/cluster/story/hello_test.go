//go:build cluster

package story_test

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"irc.now/tests/cluster/image"
)

// helloEvent is the type that hello subscribes to.
const helloEvent = "test.irc.hello"

// helloManifest is the smallest function there can be, with a door to the world and one to the broker, secured as ours
// are. Its image is filled in.
const helloManifest = `
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: hello
  annotations: {irc.now/host: hello.irc.test}
spec:
  template:
    metadata:
      annotations: {autoscaling.knative.dev/min-scale: "0", autoscaling.knative.dev/max-scale: "1"}
    spec:
      enableServiceLinks: false
      containers:
        - resources:
            requests: {cpu: 10m, memory: 16Mi}
          securityContext:
            runAsNonRoot: true
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
            seccompProfile: {type: RuntimeDefault}
`

const helloTrigger = `
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata:
  name: hello
spec:
  broker: default
  filters: [{exact: {type: test.irc.hello}}]
  subscriber: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: hello}}
`

// hello runs the smallest function until the test ends. token says whether its pod gets a token for the API server, as
// the pods have of functions that talk to it: preparing that takes the kubelet a while.
func (w *world) hello(t *testing.T, token bool) {
	t.Helper()
	made, err := image.Go(t.Context(), "irc.now/tests/cluster/hello", image.Options{Name: "irc-now/hello"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.machine.Load(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	service, trigger := parsed(t, helloManifest), parsed(t, helloTrigger)
	containers, _, err := unstructured.NestedSlice(service.Object, "spec", "template", "spec", "containers")
	if err != nil || len(containers) != 1 {
		t.Fatalf("the manifest has %d containers: %v", len(containers), err)
	}
	container, _ := containers[0].(map[string]any)
	container["image"] = made.Ref
	if !token { // Knative takes no other value than this one
		if err := unstructured.SetNestedField(service.Object, false, "spec", "template", "spec", "automountServiceAccountToken"); err != nil {
			t.Fatal(err)
		}
	}
	if err := unstructured.SetNestedSlice(service.Object, containers, "spec", "template", "spec", "containers"); err != nil {
		t.Fatal(err)
	}
	for _, object := range []*unstructured.Unstructured{service, trigger} {
		object.SetNamespace(platform)
		if err := w.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.remove(t, object) })
		w.awaitCondition(t, time.Minute, object)
	}
}

func parsed(t *testing.T, manifest string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(manifest), &object.Object); err != nil {
		t.Fatal(err)
	}
	return object
}

// awaitCondition waits until an object that has no types here says that it is ready.
func (w *world) awaitCondition(t *testing.T, patience time.Duration, object *unstructured.Unstructured) {
	t.Helper()
	list := kinds(object.GroupVersionKind().Group, object.GroupVersionKind().Version, object.GetKind())
	w.await(t, patience, object.GetKind()+" "+object.GetName()+" is ready", list, func(known map[string]client.Object) verdict {
		found, _ := known[object.GetName()].(*unstructured.Unstructured)
		if found == nil {
			return no("it is not there")
		}
		return conditionOf(found)
	}, client.InNamespace(object.GetNamespace()))
}

// conditionOf judges by the condition Ready.
func conditionOf(object *unstructured.Unstructured) verdict {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, c := range conditions {
		condition, _ := c.(map[string]any)
		switch {
		case condition["type"] != "Ready":
		case condition["status"] == "True":
			return yes()
		default:
			return no("%v: %v", condition["reason"], condition["message"])
		}
	}
	return no("nobody has looked at it yet")
}
