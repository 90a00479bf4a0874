package render_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"irc.now/knative/render"
)

// function is a manifest that Knative takes; tests change a line of it.
const function = `
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: portal
  namespace: irc-now
  labels:
    networking.knative.dev/visibility: cluster-local
spec:
  template:
    metadata:
      annotations:
        autoscaling.knative.dev/min-scale: "0"
        autoscaling.knative.dev/max-scale: "3"
    spec:
      containerConcurrency: 50
      timeoutSeconds: 600
      containers:
        - image: ko://irc.now/functions/portal/cmd
`

const trigger = `
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata:
  name: limits
  namespace: irc-now
spec:
  broker: default
  filters:
    - exact:
        type: now.irc.account.plan-changed
  subscriber:
    ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: limits}
  delivery:
    retry: 15
    backoffPolicy: exponential
    backoffDelay: PT0.5S
`

const source = `
apiVersion: sources.knative.dev/v1
kind: PingSource
metadata:
  name: every-minute
  namespace: irc-now
spec:
  schedule: "* * * * *"
  sink:
    ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: default}
`

func TestWhatKnativeWouldRefuseIsNamed(t *testing.T) {
	for name, c := range map[string]struct{ manifest, from, to, want string }{
		"a request longer than Knative lets it be": {
			function, "timeoutSeconds: 600", "timeoutSeconds: 601",
			"Service irc-now/portal: expected 0 <= 601 <= 600: spec.template.spec.timeoutSeconds",
		},
		"too many requests at once": {
			function, "containerConcurrency: 50", "containerConcurrency: 1001",
			"Service irc-now/portal: expected 0 <= 1001 <= 1000: spec.template.spec.containerConcurrency",
		},
		"more at least than at most": {
			function, `min-scale: "0"`, `min-scale: "4"`,
			"Service irc-now/portal: max-scale=3 is less than min-scale=4: spec.template.metadata.annotations",
		},
		"a bound that is no number": {
			function, `max-scale: "3"`, `max-scale: three`,
			"Service irc-now/portal: invalid value: three: spec.template.metadata.annotations.autoscaling.knative.dev/max-scale",
		},
		"a misspelt bound": {
			function, "max-scale", "max-scales",
			"Service irc-now/portal: Knative does not know autoscaling.knative.dev/max-scales: spec.template.metadata.annotations",
		},
		"a misspelt label": {
			function, "/visibility", "/visible",
			"Service irc-now/portal: Knative does not know networking.knative.dev/visible: metadata.labels",
		},
		"a bound where it bounds nothing": {
			function, "  labels:\n", "  annotations: {autoscaling.knative.dev/max-scale: \"3\"}\n  labels:\n",
			`Service irc-now/portal: invalid key name "autoscaling.knative.dev/max-scale": metadata.annotations`,
		},
		"a field that nobody knows": {
			function, "timeoutSeconds", "timeoutSecond",
			`Service irc-now/portal: unknown field "spec.template.spec.timeoutSecond"`,
		},
		"words in the place of a number": {
			function, "timeoutSeconds: 600", `timeoutSeconds: "long"`,
			"Service irc-now/portal: json: cannot unmarshal string into Go struct field",
		},
		"two containers that listen": {
			function, "        - image: ko://irc.now/functions/portal/cmd\n",
			"        - {name: a, image: a, ports: [{containerPort: 8080}]}\n        - {name: b, image: b, ports: [{containerPort: 8081}]}\n",
			"Service irc-now/portal: more than one container port is set: spec.template.spec.containers[*].ports",
		},
		"a right that Knative does not give": {
			function, "cmd\n", "cmd\n          securityContext: {privileged: true}\n",
			"Service irc-now/portal: must not set the field(s): spec.template.spec.containers[0].securityContext.privileged",
		},
		"a function that serves nobody": {
			function, "spec:\n  template:", "spec:\n  traffic: [{percent: 50, latestRevision: true}]\n  template:",
			"Service irc-now/portal: Traffic targets sum to 50, want 100: spec.traffic",
		},
		"a trigger for nobody": {
			trigger, "    ref: {apiVersion: serving.knative.dev/v1, kind: Service, name: limits}\n", "    {}\n",
			"Trigger irc-now/limits: expected at least one, got none: spec.subscriber.ref, spec.subscriber.uri",
		},
		"an attribute that no event can have": {
			trigger, "        type:", "        the-type:",
			`Trigger irc-now/limits: invalid key name "the-type": spec.filters[0].exact`,
		},
		"a pause that is none": {
			trigger, "PT0.5S", "0.5s",
			"Trigger irc-now/limits: invalid value: 0.5s: spec.delivery.backoffDelay",
		},
		"a moment that never comes": {
			source, `"* * * * *"`, `"* * * *"`,
			"PingSource irc-now/every-minute: invalid value: expected 5 to 6 fields",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := check(t, c.manifest); err != nil {
				t.Fatalf("without the mistake: %v", err)
			}
			if !strings.Contains(c.manifest, c.from) {
				t.Fatalf("there is no %q to change", c.from)
			}
			err := check(t, strings.Replace(c.manifest, c.from, c.to, 1))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it says %v, want %s", err, c.want)
			}
		})
	}
}

// check has Knative judge one manifest.
func check(t *testing.T, manifest string) error {
	t.Helper()
	var object render.Object
	if err := yaml.Unmarshal([]byte(manifest), &object); err != nil {
		t.Fatal(err)
	}
	return render.Check([]render.Object{object})
}

// Each mistake costs whoever deploys a run, so all are said at once; other kinds are other people's to judge.
func TestAllMistakesAreSaidTogether(t *testing.T) {
	t.Parallel()
	objects := make([]render.Object, 3)
	for i, manifest := range []string{
		strings.Replace(strings.Replace(function, "timeoutSeconds: 600", "timeoutSeconds: 601", 1), `"3"`, `"-3"`, 1),
		strings.Replace(trigger, "broker: default", `broker: ""`, 1),
		"{apiVersion: serving.knative.dev/v9, kind: Service, metadata: {name: later}}",
	} {
		if err := yaml.Unmarshal([]byte(manifest), &objects[i]); err != nil {
			t.Fatal(err)
		}
	}
	err := render.Check(objects)
	if err == nil || strings.Count(err.Error(), "Service irc-now/portal: ") != 2 || strings.Count(err.Error(), "Trigger irc-now/limits: ") != 1 {
		t.Errorf("it says %v", err)
	}
}

func TestAnOverlayWithAMistakeIsNotRendered(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, content := range map[string]string{
		"kustomization.yaml": "resources: [portal.yaml]\n",
		"portal.yaml":        strings.Replace(function, "timeoutSeconds: 600", "timeoutSeconds: 6000", 1),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	objects, err := render.Folder(folder)
	if err == nil || !strings.Contains(err.Error(), folder) || !strings.Contains(err.Error(), "irc-now/portal: expected 0 <= 6000 <= 600") {
		t.Errorf("%d objects, %v", len(objects), err)
	}
}
