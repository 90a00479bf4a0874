package reconciler

import (
	"encoding/json"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"irc.now/operators/naming"
)

const wanted = `{
	"apiVersion": "apps/v1", "kind": "Deployment",
	"metadata": {"name": "alice", "namespace": "tenants", "labels": {"a": "1"}},
	"spec": {"replicas": 1, "strategy": {}, "template": {"spec": {
		"containers": [{"name": "soju", "command": ["soju", "-v"], "ports": [{"containerPort": 1, "protocol": "TCP"}]}],
		"volumes": [{"name": "tmp", "emptyDir": {}}]
	}}}
}`

const fields = `{
	"f:metadata": {"f:labels": {"f:a": {}}},
	"f:spec": {"f:replicas": {}, "f:strategy": {}, "f:template": {"f:spec": {
		"f:containers": {"k:{\"name\":\"soju\"}": {".": {}, "f:name": {}, "f:command": {},
			"f:ports": {"k:{\"containerPort\":1,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}, "f:protocol": {}}}}},
		"f:volumes": {"k:{\"name\":\"tmp\"}": {".": {}, "f:name": {}, "f:emptyDir": {}}}
	}}}
}`

const stored = `{
	"apiVersion": "apps/v1", "kind": "Deployment",
	"metadata": {"name": "alice", "namespace": "tenants", "uid": "x", "labels": {"a": "1", "theirs": "2"}},
	"spec": {"replicas": 1, "strategy": {"type": "RollingUpdate"}, "paused": true, "template": {"spec": {
		"containers": [
			{"name": "injected", "command": ["x"]},
			{"name": "soju", "image": "theirs", "command": ["soju", "-v"], "ports": [{"containerPort": 1, "protocol": "TCP"}, {"containerPort": 2, "protocol": "TCP"}]}
		],
		"volumes": [{"name": "tmp", "emptyDir": {}}], "dnsPolicy": "ClusterFirst"
	}}}
}`

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return u
}

// live is the stored object, of which our field owner has the given fields.
func live(t *testing.T, managed string) *unstructured.Unstructured {
	t.Helper()
	u := object(t, stored)
	entries := []metav1.ManagedFieldsEntry{
		{Manager: "kubectl", Operation: metav1.ManagedFieldsOperationApply, FieldsV1: metav1.NewFieldsV1(`{}`)},
		{Manager: naming.FieldOwner, Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: metav1.NewFieldsV1(`{}`)},
	}
	if managed != "" {
		entries = append(entries, metav1.ManagedFieldsEntry{
			Manager: naming.FieldOwner, Operation: metav1.ManagedFieldsOperationApply, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(managed),
		})
	}
	u.SetManagedFields(entries)
	return u
}

func TestAdditionsOfOthersAreNoDrift(t *testing.T) {
	if !upToDate(object(t, wanted), live(t, fields)) {
		t.Error("an object that is as wanted would be written")
	}
}

func TestEveryDifferenceIsDrift(t *testing.T) {
	set := func(value any, path ...string) func(*unstructured.Unstructured) {
		return func(u *unstructured.Unstructured) {
			if err := unstructured.SetNestedField(u.Object, value, path...); err != nil {
				t.Fatal(err)
			}
		}
	}
	container := func(u *unstructured.Unstructured) map[string]any {
		list, _, err := unstructured.NestedSlice(u.Object, "spec", "template", "spec", "containers")
		if err != nil {
			t.Fatal(err)
		}
		last, _ := list[len(list)-1].(map[string]any)
		if err := unstructured.SetNestedSlice(u.Object, list, "spec", "template", "spec", "containers"); err != nil {
			t.Fatal(err)
		}
		return last
	}
	change := func(key string, value any) func(*unstructured.Unstructured) {
		return func(u *unstructured.Unstructured) {
			c := container(u)
			c[key] = value
			if err := unstructured.SetNestedSlice(u.Object, []any{c}, "spec", "template", "spec", "containers"); err != nil {
				t.Fatal(err)
			}
		}
	}
	for what, edit := range map[string]func(*unstructured.Unstructured){
		"another value":          set(int64(2), "spec", "replicas"),
		"another label":          set("2", "metadata", "labels", "a"),
		"an atomic list longer":  change("command", []any{"soju", "-v", "-x"}),
		"a list's element gone":  change("ports", []any{}),
		"an element's other key": change("name", "other"),
	} {
		stored := live(t, fields)
		edit(stored)
		if upToDate(object(t, wanted), stored) {
			t.Errorf("%s in the stored object goes unnoticed", what)
		}
		desired := object(t, wanted)
		edit(desired)
		if upToDate(desired, live(t, fields)) {
			t.Errorf("%s in the wanted object goes unnoticed", what)
		}
	}
	more := object(t, wanted)
	set("new", "metadata", "labels", "b")(more)
	fewer := object(t, wanted)
	unstructured.RemoveNestedField(fewer.Object, "spec", "replicas")
	for what, desired := range map[string]*unstructured.Unstructured{"a new field": more, "a field no longer wanted": fewer} {
		if upToDate(desired, live(t, fields)) {
			t.Errorf("%s goes unnoticed", what)
		}
	}
}

func TestFieldsThatOthersTookOverAreDrift(t *testing.T) {
	var managed map[string]any
	if err := json.Unmarshal([]byte(fields), &managed); err != nil {
		t.Fatal(err)
	}
	unstructured.RemoveNestedField(managed, "f:spec", "f:replicas")
	text, err := json.Marshal(managed)
	if err != nil {
		t.Fatal(err)
	}
	if upToDate(object(t, wanted), live(t, string(text))) {
		t.Error("a field that is somebody else's now goes unnoticed")
	}
	for _, managed := range []string{"", "nonsense", "[]"} {
		if upToDate(object(t, wanted), live(t, managed)) {
			t.Errorf("an object of which we own %q is taken for ours", managed)
		}
	}
}
