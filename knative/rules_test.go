package knative_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"irc.now/functions"
	"irc.now/knative/render"
)

// podOf is the pod template's spec of an object that runs pods; nil for others.
func podOf(object render.Object) any {
	switch object.Kind() {
	case "Deployment", "StatefulSet", "DaemonSet", "Job":
		return dig(map[string]any(object), "spec", "template", "spec")
	case "Service":
		return dig(map[string]any(object), "spec", "template", "spec") // Knative's
	}
	return nil
}

func containersOf(object render.Object) []any {
	pod := podOf(object)
	return slices.Concat(list(dig(pod, "initContainers")), list(dig(pod, "containers")))
}

// eachWorkload visits what runs pods, in every overlay.
func eachWorkload(t *testing.T, visit func(t *testing.T, object render.Object)) {
	t.Helper()
	for _, overlay := range overlays(t) {
		seen := 0
		for _, object := range rendered(t, overlay) {
			if podOf(object) != nil {
				seen++
				t.Run(overlay+"/"+object.Name(), func(t *testing.T) { visit(t, object) })
			}
		}
		if seen == 0 {
			t.Errorf("%s runs nothing", overlay)
		}
	}
}

func TestEveryContainerIsRestricted(t *testing.T) {
	eachWorkload(t, func(t *testing.T, object render.Object) {
		t.Helper()
		pod := podOf(object)
		for _, container := range containersOf(object) {
			own := dig(container, "securityContext")
			either := func(path ...string) any {
				if value := dig(own, path...); value != nil {
					return value
				}
				return dig(pod, append([]string{"securityContext"}, path...)...)
			}
			for what, holds := range map[string]bool{
				"it does not refuse root":               either("runAsNonRoot") == true,
				"its system calls are not filtered":     either("seccompProfile", "type") == "RuntimeDefault",
				"it may gain privileges":                dig(own, "allowPrivilegeEscalation") == false,
				"its file system can be written":        dig(own, "readOnlyRootFilesystem") == true,
				"it keeps capabilities":                 slices.Equal(words(dig(own, "capabilities", "drop")), []string{"ALL"}),
				"it adds capabilities or is privileged": dig(own, "capabilities", "add") == nil && dig(own, "privileged") == nil,
				"its pod shares the node's name spaces": dig(pod, "hostNetwork") == nil && dig(pod, "hostPID") == nil && dig(pod, "hostIPC") == nil,
				"it learns other services' addresses":   object.Kind() == "Deployment" || dig(pod, "enableServiceLinks") == false,
			} {
				if !holds {
					t.Errorf("container %v: %s", dig(container, "image"), what)
				}
			}
		}
	})
}

func TestEveryContainerSaysWhatItNeedsAndHowItIs(t *testing.T) {
	eachWorkload(t, func(t *testing.T, object render.Object) {
		t.Helper()
		for _, container := range containersOf(object) {
			for what, value := range map[string]any{
				"a request of CPU": dig(container, "resources", "requests", "cpu"), "a request of memory": dig(container, "resources", "requests", "memory"),
				"a limit of memory": dig(container, "resources", "limits", "memory"), "a readiness probe": dig(container, "readinessProbe"),
				"a liveness probe": dig(container, "livenessProbe"),
			} {
				if value == nil && (object.Kind() != "Job" || !strings.HasSuffix(what, "probe")) { // a job has ended or not
					t.Errorf("it has no %s", strings.TrimPrefix(what, "a "))
				}
			}
		}
	})
}

// A Go program that does not know its limit is killed at it, with garbage that it could have collected.
func TestGoProgramsKnowTheirMemorysLimit(t *testing.T) {
	eachWorkload(t, func(t *testing.T, object render.Object) {
		t.Helper()
		for _, container := range containersOf(object) {
			image, _ := dig(container, "image").(string)
			if !strings.Contains(image, "irc.now/") || strings.HasSuffix(image, "/chat") { // nginx
				continue
			}
			limit, _ := dig(container, "resources", "limits", "memory").(string)
			told := ""
			for _, variable := range list(dig(container, "env")) {
				if dig(variable, "name") == goMemoryLimit {
					told, _ = dig(variable, "value").(string)
				}
			}
			may, err1 := strconv.Atoi(strings.TrimSuffix(limit, "Mi"))
			knows, err2 := strconv.Atoi(strings.TrimSuffix(told, "MiB"))
			if err1 != nil || err2 != nil || knows > may*9/10 || knows < may*8/10 {
				t.Errorf("%s may have %s and is told %q", image, limit, told)
			}
		}
	})
}

func TestImagesAreOursOrHaveAVersion(t *testing.T) {
	for _, overlay := range overlays(t) {
		for _, object := range rendered(t, overlay) {
			for path, value := range values(object) {
				if !strings.HasSuffix(path, ".image") && !strings.HasSuffix(path, ".imageName") {
					continue
				}
				ours := slices.Contains(render.Images([]render.Object{{"image": value}}), value)
				_, version, tagged := strings.Cut(value[strings.LastIndex(value, "/")+1:], ":")
				if !ours && (!tagged || version == "latest") {
					t.Errorf("%s, %s: the image %s has no version", overlay, object, value)
				}
			}
		}
	}
}

func TestFunctionsHaveBounds(t *testing.T) {
	eachWorkload(t, func(t *testing.T, object render.Object) {
		t.Helper()
		if object.APIVersion() != "serving.knative.dev/v1" {
			return
		}
		template := dig(map[string]any(object), "spec", "template")
		annotations := dig(template, "metadata", "annotations")
		least, err := strconv.Atoi(fmt.Sprint(dig(annotations, "autoscaling.knative.dev/min-scale")))
		if err != nil || least != 0 {
			t.Errorf("it does not scale to zero: %v", err)
		}
		most, err := strconv.Atoi(fmt.Sprint(dig(annotations, "autoscaling.knative.dev/max-scale")))
		if err != nil || most < 1 || most > 20 {
			t.Errorf("at most %d run: %v", most, err)
		}
		if c := number(dig(template, "spec", "containerConcurrency")); c < 1 || c > 1000 {
			t.Errorf("each takes %d requests at once", c)
		}
		// Knative's own upper bound, unless its administrator raises it.
		if seconds := number(dig(template, "spec", "timeoutSeconds")); seconds < 1 || seconds > 600 {
			t.Errorf("a request may last %d s", seconds)
		}
		hidden := dig(map[string]any(object), "metadata", "labels", "networking.knative.dev/visibility") == "cluster-local"
		if part, known := functions.Find(object.Name()); !known || part.Public() == hidden {
			t.Errorf("reachable from outside: %v", !hidden)
		}
		for probe, path := range map[string]string{"readinessProbe": "/health/readiness", "livenessProbe": "/health/liveness"} {
			if got := dig(containersOf(object)[0], probe, "httpGet", "path"); got != path {
				t.Errorf("%s asks %v", probe, got)
			}
		}
	})
}

func number(value any) int {
	n, err := strconv.Atoi(fmt.Sprint(value))
	if err != nil {
		return 0
	}
	return n
}

func TestNamespacesEnforceRestrictedPods(t *testing.T) {
	for _, overlay := range overlays(t) {
		var names []string
		for _, object := range rendered(t, overlay) {
			if object.Kind() == "Namespace" {
				names = append(names, object.Name())
				if level := dig(map[string]any(object), "metadata", "labels", "pod-security.kubernetes.io/enforce"); level != "restricted" {
					t.Errorf("%s, %s: pods must be %v", overlay, object, level)
				}
				continue
			}
			if space := object.Namespace(); space != "" && space != "irc-now" && space != "irc-now-tenants" {
				t.Errorf("%s, %s is in a namespace that is not ours", overlay, object)
			}
		}
		if !slices.Equal(names, []string{"irc-now", "irc-now-tenants"}) {
			t.Errorf("%s has the namespaces %q", overlay, names)
		}
	}
}

// The activator and the queue keep a request for as long as it may take, also when who sent it has long given up.
func TestWhatMachinesSendIsNotKeptForLong(t *testing.T) {
	const least, most = 10, 30
	for _, overlay := range overlays(t) {
		objects := rendered(t, overlay)
		sent := sentByMachines(objects)
		for _, object := range objects {
			if object.APIVersion() != "serving.knative.dev/v1" || !sent[object.Name()] {
				continue
			}
			delete(sent, object.Name())
			if seconds := number(dig(map[string]any(object), "spec", "template", "spec", "timeoutSeconds")); seconds < least || seconds > most {
				t.Errorf("%s, %s: a request may last %d s", overlay, object, seconds)
			}
		}
		if len(sent) > 0 {
			t.Errorf("%s has no functions %v", overlay, sent)
		}
	}
}

// sentByMachines are the functions that the broker, the API server and Stripe call.
func sentByMachines(objects []render.Object) map[string]bool {
	sent := map[string]bool{"stripe": true}
	for _, object := range objects {
		spec := dig(map[string]any(object), "spec")
		switch object.Kind() {
		case "Trigger":
			sent[word(spec, "subscriber", "ref", "name")] = true
			if sink := word(spec, "delivery", "deadLetterSink", "ref", "name"); sink != "" {
				sent[sink] = true
			}
		case "ValidatingWebhookConfiguration":
			for _, webhook := range list(object["webhooks"]) {
				sent[word(webhook, "clientConfig", "service", "name")] = true
			}
		}
	}
	return sent
}
