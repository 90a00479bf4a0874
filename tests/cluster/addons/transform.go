package addons

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// koScheme marks an image by the Go package of its program, as ko does.
const koScheme = "ko://"

// without drops objects for which any of the conditions holds.
func without(objects []*object, conditions ...func(*object) bool) []*object {
	return slices.DeleteFunc(objects, func(o *object) bool {
		return slices.ContainsFunc(conditions, func(drop func(*object) bool) bool { return drop(o) })
	})
}

func kind(kinds ...string) func(*object) bool {
	return func(o *object) bool { return slices.Contains(kinds, o.GetKind()) }
}

func named(kind, name string) func(*object) bool {
	return func(o *object) bool { return o.GetKind() == kind && o.GetName() == name }
}

func group(name string) func(*object) bool {
	return func(o *object) bool {
		found, _, _ := unstructured.NestedString(o.Object, "spec", "group")
		return o.GetKind() == "CustomResourceDefinition" && found == name
	}
}

// configure sets keys of the ConfigMap of that name and drops its example, whose checksum it would have to keep.
func configure(objects []*object, name string, data map[string]string) error {
	at := slices.IndexFunc(objects, named("ConfigMap", name))
	if at < 0 {
		return fmt.Errorf("configuring: there is no ConfigMap %s", name)
	}
	o := objects[at]
	values, _, err := unstructured.NestedStringMap(o.Object, "data")
	if err != nil {
		return fmt.Errorf("configuring %s: %w", name, err)
	}
	if values == nil {
		values = map[string]string{}
	}
	delete(values, "_example")
	maps.Copy(values, data)
	annotations := o.GetAnnotations()
	delete(annotations, "knative.dev/example-checksum")
	o.SetAnnotations(annotations)
	return unstructured.SetNestedStringMap(o.Object, values, "data")
}

// trust labels namespaces whose pods irc.now's own hear, as docs/deploying.md asks of an administrator.
func trust(objects []*object) {
	for _, o := range objects {
		if o.GetKind() == "Namespace" {
			labels := o.GetLabels()
			if labels == nil {
				labels = map[string]string{}
			}
			labels["irc.now/platform"] = "true"
			o.SetLabels(labels)
		}
	}
}

// substitute replaces strings in every value of every object: whole values, or parts such as ${ADDRESS}.
func substitute(objects []*object, replace func(string) string) {
	for _, o := range objects {
		for key, value := range o.Object {
			o.Object[key] = inside(value, replace)
		}
	}
}

func inside(value any, replace func(string) string) any {
	switch v := value.(type) {
	case string:
		return replace(v)
	case []any:
		for i := range v {
			v[i] = inside(v[i], replace)
		}
	case map[string]any:
		for key := range v {
			v[key] = inside(v[key], replace)
		}
	}
	return value
}

// programs lists the packages whose images objects ask for.
func programs(objects []*object) []string {
	found := map[string]bool{}
	substitute(objects, func(value string) string {
		if name, ok := strings.CutPrefix(value, koScheme); ok {
			found[name] = true
		}
		return value
	})
	return slices.Sorted(maps.Keys(found))
}

// containers calls f with every container of a workload's pods.
func containers(o *object, f func(container map[string]any) error) error {
	if o.GetKind() != "Deployment" {
		return nil
	}
	list, _, err := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
	if err != nil {
		return fmt.Errorf("%s: %w", describe(o), err)
	}
	for _, item := range list {
		container, ok := item.(map[string]any)
		if !ok {
			return fmt.Errorf("%s: a container is no object", describe(o))
		}
		if err := f(container); err != nil {
			return fmt.Errorf("%s: %w", describe(o), err)
		}
	}
	return unstructured.SetNestedSlice(o.Object, list, "spec", "template", "spec", "containers")
}

// fit makes workloads fit a machine of two processors: upstream's requests add up to more than it has, and its limits
// make each slow to start, one after the other. What is ready is noticed within two seconds.
func fit(objects []*object) error {
	for _, o := range objects {
		err := containers(o, func(container map[string]any) error {
			container["imagePullPolicy"] = "IfNotPresent"
			container["resources"] = map[string]any{"requests": map[string]any{"cpu": "5m", "memory": "32Mi"}}
			if probe, ok := container["readinessProbe"].(map[string]any); ok {
				probe["initialDelaySeconds"], probe["periodSeconds"] = int64(0), int64(2)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// patient makes the liveness probes of every workload wait: a machine that starts thirty pods at once is slow, and a
// restarted pod makes it slower.
func patient(objects []*object) error {
	for _, o := range objects {
		err := containers(o, func(container map[string]any) error {
			if probe, ok := container["livenessProbe"].(map[string]any); ok {
				probe["failureThreshold"], probe["periodSeconds"] = int64(12), int64(10)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// environment sets a variable in every container of a Deployment.
func environment(objects []*object, deployment, name, value string) error {
	at := slices.IndexFunc(objects, named("Deployment", deployment))
	if at < 0 {
		return fmt.Errorf("setting %s: there is no Deployment %s", name, deployment)
	}
	return containers(objects[at], func(container map[string]any) error {
		variables, _ := container["env"].([]any)
		variables = slices.DeleteFunc(variables, func(v any) bool {
			variable, _ := v.(map[string]any)
			return variable["name"] == name
		})
		container["env"] = append(variables, map[string]any{"name": name, "value": value})
		return nil
	})
}
