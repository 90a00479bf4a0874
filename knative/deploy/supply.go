package deploy

import (
	"maps"
	"slices"

	"irc.now/knative/render"
)

// namespace is where the platform's own programs run, and the Secrets for them are.
const namespace = "irc-now"

// Supply is a Secret or ConfigMap that no manifest makes.
type Supply struct {
	Kind string // "secret" or "configmap"
	Name string
	Keys []string // that cannot be left out, sorted
}

// database makes the Secrets whose names begin so: CloudNativePG, for the Cluster called database.
var database = []string{"database-app", "database-superuser"}

// Supplied are what people make before they deploy, in the order of their names.
func Supplied(objects []render.Object) []Supply {
	found := map[string]*Supply{}
	for _, object := range objects {
		if object.Namespace() == namespace {
			references(map[string]any(object), found)
		}
	}
	var supplies []Supply
	for _, name := range slices.Sorted(maps.Keys(found)) {
		slices.Sort(found[name].Keys)
		supplies = append(supplies, *found[name])
	}
	return supplies
}

// references collects what environments take from elsewhere.
func references(value any, found map[string]*Supply) {
	switch v := value.(type) {
	case []any:
		for _, inner := range v {
			references(inner, found)
		}
	case map[string]any:
		for key, inner := range v {
			switch key {
			case "secretKeyRef":
				note("secret", inner, found)
			case "configMapKeyRef":
				note("configmap", inner, found)
			default:
				references(inner, found)
			}
		}
	}
}

func note(kind string, reference any, found map[string]*Supply) {
	fields, _ := reference.(map[string]any)
	name, _ := fields["name"].(string)
	key, _ := fields["key"].(string)
	if slices.Contains(database, name) || fields["optional"] == true {
		return
	}
	if found[name] == nil {
		found[name] = &Supply{Kind: kind, Name: name}
	}
	if s := found[name]; !slices.Contains(s.Keys, key) {
		s.Keys = append(s.Keys, key)
	}
}
