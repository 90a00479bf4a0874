package render_test

import (
	"regexp"
	"slices"
	"testing"

	"irc.now/knative/render"
)

// job is a Job with an image, or what stands for one.
func job(image string) render.Object {
	return render.Object{
		"apiVersion": "batch/v1", "kind": "Job", "metadata": map[string]any{"name": "schema", "namespace": "irc-now"},
		"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"image": image}}}}},
	}
}

func named(t *testing.T, object render.Object) string {
	t.Helper()
	if err := render.NameJobs([]render.Object{object}); err != nil {
		t.Fatal(err)
	}
	return object.Name()
}

// A Job cannot be changed: with the name of one that is there, and another image, the API server would refuse it.
func TestAJobIsNamedAfterWhatItRuns(t *testing.T) {
	t.Parallel()
	first, same, other := named(t, job("schema@sha256:a")), named(t, job("schema@sha256:a")), named(t, job("schema@sha256:b"))
	if first != same || first == other || !regexp.MustCompile(`^schema-[0-9a-f]{10}$`).MatchString(first) {
		t.Errorf("the names are %s and %s of one image, %s of another", first, same, other)
	}
	set := job("schema@sha256:a")
	set["spec"].(map[string]any)["backoffLimit"] = 7 //nolint:errcheck // made above
	if name := named(t, set); name == first {
		t.Errorf("with another specification it is %s, too", name)
	}
	deployment := render.Object{"kind": "Deployment", "metadata": map[string]any{"name": "operator"}}
	if name := named(t, deployment); name != "operator" {
		t.Errorf("the deployment is called %s", name)
	}
}

// Programs must not start before a release's job has run, and the job not before what it stands on.
func TestPhasesHaveEverythingOnce(t *testing.T) {
	t.Parallel()
	for _, overlay := range []string{"generic", "openshift", "test"} {
		objects, err := render.Overlay(root, overlay)
		if err != nil {
			t.Fatal(err)
		}
		phases := render.InPhases(objects)
		all := slices.Concat(phases.Definitions, phases.Foundations, phases.Jobs, phases.Rest)
		if len(all) != len(objects) || len(phases.Jobs) != 1 || phases.Jobs[0].String() != "Job irc-now/schema" {
			t.Errorf("%s: of %d objects, %d are applied, among them the jobs %v", overlay, len(objects), len(all), phases.Jobs)
		}
		for _, object := range slices.Concat(phases.Definitions, phases.Foundations) {
			if kind := object.Kind(); kind == "Deployment" || kind == "Service" || kind == "Trigger" || kind == "SojuBouncer" {
				t.Errorf("%s: %s is applied before the job", overlay, object)
			}
		}
		for _, want := range []string{"Cluster irc-now/database", "ServiceAccount irc-now/schema", "Role irc-now/schema", "RoleBinding irc-now/schema"} {
			if !slices.ContainsFunc(phases.Foundations, func(o render.Object) bool { return o.String() == want }) {
				t.Errorf("%s: the job does not wait for %s", overlay, want)
			}
		}
	}
}
