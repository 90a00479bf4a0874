package manifests_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"irc.now/knative/render"
	"irc.now/operators/operatortest"
	"irc.now/tests/eventually"
)

// The webhook never sees the shared bouncer; the API server itself keeps it what it is.
func TestTheSharedBouncerIsNoProgramsAndKeepsItsBounds(t *testing.T) {
	config := operatortest.Shared(t).Config()
	if _, err := envtest.InstallCRDs(config, envtest.CRDInstallOptions{CRDs: definitions(t)}); err != nil {
		t.Fatal(err)
	}
	admin := clientAs(t, config, "")
	objects, err := render.Overlay(root, "generic")
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		if kind := object.Kind(); kind != "Namespace" && !strings.HasPrefix(kind, "ValidatingAdmissionPolicy") {
			continue
		}
		u := &unstructured.Unstructured{Object: object}
		if err := admin.Patch(t.Context(), u.DeepCopy(), client.Apply, client.FieldOwner("test"), client.ForceOwnership); err != nil { //nolint:staticcheck // for any kind
			t.Fatal(err)
		}
	}
	without := sharedBouncer(map[string]any{"role": "shared"})
	eventually.Within(t, 30*time.Second, func(ctx context.Context) error {
		err := admin.Create(ctx, without.DeepCopy(), client.DryRunAll)
		return eventually.True(err != nil && strings.Contains(err.Error(), "maxUserNetworks"), "one without bounds: %v", err)
	})
	bounded := sharedBouncer(map[string]any{"role": "shared", "maxUserNetworks": int64(1), "messageExpiryDays": int64(2)})
	if err := admin.Create(t.Context(), bounded.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"portal", "limits", "operator"} {
		c := clientAs(t, config, program)
		for what, act := range map[string]func() error{
			"changes": func() error {
				return c.Patch(t.Context(), bounded.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"suspended":true}}`)))
			},
			"deletes": func() error { return c.Delete(t.Context(), bounded.DeepCopy(), client.DryRunAll) },
		} {
			if err := act(); err == nil || !strings.Contains(err.Error(), "no program's") {
				t.Errorf("%s %s it: %v", program, what, err)
			}
		}
	}
	finalizer := []byte(`{"metadata":{"finalizers":["irc.now/test"]}}`)
	if err := clientAs(t, config, "operator").Patch(t.Context(), bounded.DeepCopy(), client.RawPatch("application/merge-patch+json", finalizer), client.DryRunAll); err != nil {
		t.Errorf("the operator cannot put its finalizer on it: %v", err)
	}
	if err := admin.Patch(t.Context(), bounded.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"maxUserNetworks":2}}`))); err != nil {
		t.Errorf("whoever deploys cannot change it: %v", err)
	}
	if err := admin.Delete(t.Context(), bounded); err != nil {
		t.Errorf("whoever deploys cannot delete it: %v", err)
	}
}

func sharedBouncer(spec map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "irc.now/v1alpha1", "kind": "SojuBouncer",
		"metadata": map[string]any{"name": "soju-shared", "namespace": "irc-now-tenants"}, "spec": spec,
	}}
}

// clientAs has all rights, so that only admission is in the way, and a program's name where one is given.
func clientAs(t *testing.T, config *rest.Config, program string) client.Client {
	t.Helper()
	mine := rest.CopyConfig(config)
	if program != "" {
		mine.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:irc-now:" + program, Groups: []string{"system:masters"}}
	}
	c, err := client.New(mine, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
