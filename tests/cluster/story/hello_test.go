//go:build cluster

package story_test

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"irc.now/tests/cluster/image"
)

// Two of the smallest functions there can be, as different as ours are: some pods get a token for the API server, and
// preparing that takes the kubelet a while.
const (
	helloToken = "hello-token" // the portal's yardstick
	helloPlain = "hello-plain" // billing's, which the broker wakes as well
)

// helloEvent is the type of events that hello-plain subscribes to.
const helloEvent = "test.irc.hello"

// helloManifest is the smallest function there can be, secured as ours are, with a door to the world. NAME, IMAGE and
// TOKEN are filled in.
const helloManifest = `
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: NAME
  annotations: {irc.now/host: NAME.irc.test}
spec:
  template:
    metadata:
      annotations: {autoscaling.knative.dev/min-scale: "0", autoscaling.knative.dev/max-scale: "1"}
    spec:
      enableServiceLinks: false
TOKEN
      containers:
        - image: IMAGE
          resources:
            requests: {cpu: 10m, memory: 16Mi}
          securityContext:
            runAsNonRoot: true
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
            seccompProfile: {type: RuntimeDefault}
`

// noToken is all that Knative lets one say of it.
const noToken = "      automountServiceAccountToken: false"

const helloTrigger = `
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata:
  name: hello-plain
spec:
  broker: default
  filters: [{exact: {type: test.irc.hello}}]
  subscriber: {ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: hello-plain}}
`

// hellos runs the smallest functions until the test ends.
func (w *world) hellos(t *testing.T) {
	t.Helper()
	made, err := image.Go(t.Context(), "irc.now/tests/cluster/hello", image.Options{Name: "irc-now/hello"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.machine.Load(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	service := func(name, token string) *unstructured.Unstructured {
		return parsed(t, strings.NewReplacer("NAME", name, "IMAGE", made.Ref, "TOKEN", token).Replace(helloManifest))
	}
	objects := []*unstructured.Unstructured{service(helloToken, ""), service(helloPlain, noToken), parsed(t, helloTrigger)}
	for _, object := range objects {
		w.clearAway(t, object)
	}
	for _, object := range objects {
		if err := w.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
		w.removeAtTheEnd(t, object)
		w.awaitCondition(t, mending, object)
	}
}

// clearAway removes what an earlier run may have left, down to what Knative has made for a function.
func (w *world) clearAway(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	if err := client.IgnoreNotFound(w.Delete(t.Context(), object)); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"Configuration", "Route", "Revision"} {
		what := kind + " of an earlier " + object.GetName() + " is gone"
		w.awaitGone(t, mending, what, kinds("serving.knative.dev", "v1", kind), client.InNamespace(platform), client.MatchingLabels{labelService: object.GetName()})
	}
}

func parsed(t *testing.T, manifest string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(manifest), &object.Object); err != nil {
		t.Fatal(err)
	}
	object.SetNamespace(platform)
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
