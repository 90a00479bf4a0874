package knative_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"irc.now/knative/render"
)

// mountedSecrets are the Secrets that an object's pods have as files.
func mountedSecrets(object render.Object) (names []string) {
	for _, volume := range list(dig(podOf(object), "volumes")) {
		if name, is := dig(volume, "secret", "secretName").(string); is {
			names = append(names, name)
		}
		for _, source := range list(dig(volume, "projected", "sources")) {
			if name, is := dig(source, "secret", "name").(string); is {
				names = append(names, name)
			}
		}
	}
	return names
}

// keyHolders are who may have which key. Whoever has one can speak for every bouncer, or every network, in that one thing.
var keyHolders = map[string][]string{
	"platform-key":     {"schema"},
	"key-bounceradmin": {"limits", "operator", "portal", "revoke"},
	"key-introspect":   {"introspect", "operator"},
	"key-network":      {"operator"},
}

// Environments are inherited by children, shown by /proc and printed by accident.
func TestKeysAreFilesOfThoseWhoNeedThem(t *testing.T) {
	for _, overlay := range overlays(t) {
		have := map[string][]string{}
		for _, object := range rendered(t, overlay) {
			if podOf(object) == nil {
				continue
			}
			for _, name := range secretsOf(object) {
				if strings.HasPrefix(name, "key-") || name == "platform-key" {
					t.Errorf("%s: %s has %s in its environment", overlay, object, name)
				}
			}
			for _, name := range mountedSecrets(object) {
				if _, is := keyHolders[name]; is {
					have[name] = append(have[name], object.Name())
				}
			}
		}
		for name, holders := range have {
			slices.Sort(holders)
			have[name] = holders
		}
		if !maps.EqualFunc(have, keyHolders, slices.Equal) {
			t.Errorf("%s: keys are had by %v, may be by %v", overlay, have, keyHolders)
		}
	}
}

// A file that is nowhere, or another's, would only be found when the program starts.
func TestFilesOfKeysAreWhereTheSettingsSay(t *testing.T) {
	eachWorkload(t, func(t *testing.T, object render.Object) {
		t.Helper()
		for _, container := range containersOf(object) {
			var folders []string
			for _, mount := range list(dig(container, "volumeMounts")) {
				folder, _ := dig(mount, "mountPath").(string)
				folders = append(folders, folder)
			}
			for _, variable := range list(dig(container, "env")) {
				name, _ := dig(variable, "name").(string)
				value, _ := dig(variable, "value").(string)
				if !strings.HasSuffix(name, "KEY_FILE") {
					continue
				}
				if folder, file := value[:strings.LastIndex(value, "/")], value[strings.LastIndex(value, "/")+1:]; !slices.Contains(folders, folder) || file != "key" {
					t.Errorf("%s is %s, and only %q are mounted", name, value, folders)
				}
			}
		}
	})
}
