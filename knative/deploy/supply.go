package deploy

import (
	"cmp"
	"slices"
	"strings"

	"irc.now/knative/render"
)

// namespace is where the platform's own programs run, and the Secrets for them are.
const namespace = "irc-now"

// Supply is an object that no manifest makes.
type Supply struct {
	Kind      string // as kubectl takes it
	Namespace string // "" for one of the whole cluster
	Name      string
	Keys      []string // of its data, that cannot be left out, sorted
}

// String names the object for people.
func (s Supply) String() string {
	if s.Namespace == "" {
		return s.Kind + " " + s.Name
	}
	return s.Kind + " " + s.Namespace + "/" + s.Name
}

// These begin the names of Secrets that nobody makes by hand: CloudNativePG makes those of the Cluster called database,
// and the Job schema those of functions' roles and of keys.
const (
	database = "database-"
	derived  = "key-"
)

// Supplied are what people make before they deploy, in order.
func Supplied(objects []render.Object) []Supply {
	var found []Supply
	for _, object := range objects {
		found = append(found, infrastructure(object)...)
		if object.Namespace() == namespace {
			found = references(map[string]any(object), found)
		}
	}
	slices.SortFunc(found, func(a, b Supply) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	var supplies []Supply
	for _, s := range found {
		if last := len(supplies) - 1; last >= 0 && supplies[last].String() == s.String() {
			supplies[last].Keys = slices.Compact(slices.Sorted(slices.Values(append(supplies[last].Keys, s.Keys...))))
			continue
		}
		supplies = append(supplies, s)
	}
	return supplies
}

// infrastructure is what an object relies on that belongs to the cluster's administrator.
func infrastructure(object render.Object) []Supply {
	spec, _ := object["spec"].(map[string]any)
	switch object.Kind() {
	case "Certificate":
		issuer, _ := spec["issuerRef"].(map[string]any)
		return []Supply{supply(text(issuer["kind"]), object.Namespace(), issuer)}
	case "Gateway":
		return []Supply{{Kind: "GatewayClass", Name: text(spec["gatewayClassName"])}}
	case "Broker":
		if config, ok := spec["config"].(map[string]any); ok {
			return []Supply{supply(text(config["kind"]), text(config["namespace"]), config)}
		}
	}
	return nil
}

func supply(kind, namespace string, reference map[string]any) Supply {
	if kind == "ClusterIssuer" {
		namespace = ""
	}
	return Supply{Kind: kind, Namespace: namespace, Name: text(reference["name"])}
}

// references adds what environments take from elsewhere.
func references(value any, found []Supply) []Supply {
	switch v := value.(type) {
	case []any:
		for _, inner := range v {
			found = references(inner, found)
		}
	case map[string]any:
		for key, inner := range v {
			switch key {
			case "secretKeyRef":
				found = note("Secret", inner, found)
			case "configMapKeyRef":
				found = note("ConfigMap", inner, found)
			case "volumes":
				found = mounted(inner, found)
			default:
				found = references(inner, found)
			}
		}
	}
	return found
}

func note(kind string, reference any, found []Supply) []Supply {
	fields, _ := reference.(map[string]any)
	name := text(fields["name"])
	if strings.HasPrefix(name, database) || strings.HasPrefix(name, derived) || fields["optional"] == true {
		return found
	}
	return append(found, Supply{Kind: kind, Namespace: namespace, Name: name, Keys: []string{text(fields["key"])}})
}

// mounted adds the Secrets of which a pod mounts keys that it names.
func mounted(volumes any, found []Supply) []Supply {
	list, _ := volumes.([]any)
	for _, volume := range list {
		fields, _ := volume.(map[string]any)
		secret, _ := fields["secret"].(map[string]any)
		items, _ := secret["items"].([]any)
		for _, item := range items {
			wanted, _ := item.(map[string]any)
			found = note("Secret", map[string]any{"name": secret["secretName"], "key": wanted["key"]}, found)
		}
	}
	return found
}

func text(value any) string {
	s, _ := value.(string)
	return s
}
