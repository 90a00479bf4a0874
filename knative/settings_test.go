package knative_test

import (
	"slices"
	"strings"
	"testing"

	"irc.now/knative/render"
	"irc.now/knative/settings"
)

// hosted are the variables that every program reads (shared/program).
var hosted = []string{"METRICS_ADDRESS", "DOMAIN", "OIDC_ISSUER", "K_SINK"}

// goMemoryLimit is read by Go itself.
const goMemoryLimit = "GOMEMLIMIT"

func TestFunctionsGetTheSettingsTheyRead(t *testing.T) {
	for _, overlay := range overlays(t) {
		for name, service := range services(t, overlay) {
			checkSettings(t, overlay, service, name, hosted)
		}
	}
}

func TestTheOperatorGetsTheSettingsItReads(t *testing.T) {
	for _, overlay := range overlays(t) {
		for _, object := range rendered(t, overlay) {
			if object.Kind() == "Deployment" && object.Name() == "operator" {
				checkSettings(t, overlay, object, "operator", hosted)
			}
		}
	}
}

func TestTheSchemaJobGetsTheSettingsItReads(t *testing.T) {
	for _, overlay := range overlays(t) {
		for _, job := range render.InPhases(rendered(t, overlay)).Jobs {
			checkSettings(t, overlay, job, job.Name(), nil)
		}
	}
}

// checkSettings compares the environment in a manifest with what the program reads.
func checkSettings(t *testing.T, overlay string, object render.Object, name string, more []string) {
	t.Helper()
	set := environment(containersOf(object)[0])
	program, err := settings.Find("..", name)
	if err != nil {
		t.Fatal(err)
	}
	read, err := program.Variables("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, variable := range read {
		if _, ok := set[variable.Name]; variable.Required && !ok {
			t.Errorf("%s, %s: %s is required and not set", overlay, name, variable.Name)
		}
	}
	for variable := range set {
		known := slices.ContainsFunc(read, func(v settings.Variable) bool { return v.Name == variable })
		if !known && variable != goMemoryLimit && !slices.Contains(more, variable) && !expanded(set, variable) {
			t.Errorf("%s, %s: %s is set, and nothing reads it", overlay, name, variable)
		}
	}
}

// expanded reports whether another variable's value is made with this one.
func expanded(set map[string]any, variable string) bool {
	for _, one := range set {
		value, _ := dig(one, "value").(string)
		if strings.Contains(value, "$("+variable+")") {
			return true
		}
	}
	return false
}

// environment is a container's, by variable.
func environment(container any) map[string]any {
	set := map[string]any{}
	for _, one := range list(dig(container, "env")) {
		set[word(one, "name")] = one
	}
	return set
}
