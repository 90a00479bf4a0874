package reconciler

import (
	"encoding/json"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"irc.now/operators/naming"
)

// upToDate reports whether applying want would change nothing in live: our field owner has exactly the fields of want,
// and they have want's values. What others have added beside them is theirs, as in server-side apply itself.
//
// It reads what we own from live's managed fields, so it needs no schema and no memory of what was applied last: it is
// right after a restart too, and notices fields that others took over as well as those that want no longer has.
func upToDate(want, live *unstructured.Unstructured) bool {
	fields, ok := managedFields(live)
	return ok && same(fields, content(want), live.Object)
}

func managedFields(live *unstructured.Unstructured) (map[string]any, bool) {
	for _, entry := range live.GetManagedFields() {
		if entry.Manager != naming.FieldOwner || entry.Operation != metav1.ManagedFieldsOperationApply ||
			entry.Subresource != "" || entry.FieldsV1 == nil {
			continue
		}
		var fields map[string]any
		err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields)
		return fields, err == nil
	}
	return nil, false
}

// content is want without what identifies it, which nobody owns.
func content(want *unstructured.Unstructured) map[string]any {
	c := map[string]any{}
	for key, value := range want.Object {
		if key != "apiVersion" && key != "kind" {
			c[key] = value
		}
	}
	if metadata, ok := c["metadata"].(map[string]any); ok {
		m := map[string]any{}
		for key, value := range metadata {
			if key != "name" && key != "namespace" {
				m[key] = value
			}
		}
		c["metadata"] = m
	}
	return c
}

// same compares along the managed fields: an inner node is a map or list that is merged, a leaf is a value that is
// taken whole.
func same(fields map[string]any, want, live any) bool {
	if len(fields) == 0 {
		return sameLeaf(want, live)
	}
	switch want := want.(type) {
	case map[string]any:
		live, ok := live.(map[string]any)
		return ok && sameMap(fields, want, live)
	case []any:
		live, ok := live.([]any)
		return ok && sameList(fields, want, live)
	}
	return false
}

func sameLeaf(want, live any) bool {
	if m, ok := want.(map[string]any); ok && len(m) == 0 {
		_, ok := live.(map[string]any)
		return ok // an empty map that is merged: what is in it is others'
	}
	return reflect.DeepEqual(plain(want), plain(live))
}

func sameMap(fields, want, live map[string]any) bool {
	if count(fields) != len(want) {
		return false
	}
	for key, value := range want {
		inner, managed := fields["f:"+key].(map[string]any)
		if !managed || !same(inner, value, live[key]) {
			return false
		}
	}
	return true
}

func sameList(fields map[string]any, want, live []any) bool {
	if count(fields) != len(want) {
		return false
	}
	for field, inner := range fields {
		inner, _ := inner.(map[string]any)
		if field == "." {
			continue
		}
		mine, found := element(field, want)
		theirs, there := element(field, live)
		if !found || !there || !same(inner, mine, theirs) {
			return false
		}
	}
	return true
}

// count leaves out the entry for the node itself.
func count(fields map[string]any) int {
	if _, itself := fields["."]; itself {
		return len(fields) - 1
	}
	return len(fields)
}

// element finds the list's element that a managed field names: by value ("v:…") or by its keys ("k:{…}").
func element(field string, list []any) (any, bool) {
	kind, text, _ := strings.Cut(field, ":")
	var wanted any
	if err := json.Unmarshal([]byte(text), &wanted); err != nil {
		return nil, false
	}
	for _, candidate := range list {
		if kind == "v" && reflect.DeepEqual(plain(candidate), wanted) || kind == "k" && hasKeys(candidate, wanted) {
			return candidate, true
		}
	}
	return nil, false
}

func hasKeys(candidate, wanted any) bool {
	object, ok := candidate.(map[string]any)
	keys, isMap := wanted.(map[string]any)
	if !ok || !isMap {
		return false
	}
	for key, value := range keys {
		if !reflect.DeepEqual(plain(object[key]), value) {
			return false
		}
	}
	return true
}

// plain makes numbers comparable: objects hold int64, JSON that was just read holds float64.
func plain(value any) any {
	switch value := value.(type) {
	case int64:
		return float64(value)
	case int:
		return float64(value)
	case map[string]any:
		m := make(map[string]any, len(value))
		for key, inner := range value {
			m[key] = plain(inner)
		}
		return m
	case []any:
		l := make([]any, len(value))
		for i, inner := range value {
			l[i] = plain(inner)
		}
		return l
	}
	return value
}
