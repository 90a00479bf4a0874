package main

import (
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func claim(class string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "data", Namespace: "irc-now", UID: "1234"},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: &class,
			AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
			},
		},
	}
}

func newProvisioner(t *testing.T, objects ...client.Object) *provisioner {
	t.Helper()
	return &provisioner{Client: fake.NewClientBuilder().WithObjects(objects...).Build(), dir: t.TempDir(), node: "n1"}
}

// release is what Kubernetes does when a volume's claim is gone.
func release(t *testing.T, p *provisioner, volume *corev1.PersistentVolume) {
	t.Helper()
	volume.Status.Phase = corev1.VolumeReleased
	if err := p.Status().Update(t.Context(), volume); err != nil {
		t.Fatal(err)
	}
}

func TestAClaimGetsADirectoryThatGoesWithIt(t *testing.T) {
	t.Parallel()
	p := newProvisioner(t, claim(className))
	request := ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "irc-now", Name: "data"}}
	for range 2 { // twice: the second time everything is there
		if _, err := (claims{p}).Reconcile(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	var volume corev1.PersistentVolume
	if err := p.Get(t.Context(), client.ObjectKey{Name: "claim-1234"}, &volume); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(volume.Spec.Local.Path); err != nil || info.Mode().Perm() != 0o777 {
		t.Fatalf("directory of the volume: %v %v", info, err)
	}
	release(t, p, &volume)
	if _, err := (volumes{p}).Reconcile(t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Name: volume.Name}}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(volume.Spec.Local.Path); !os.IsNotExist(err) {
		t.Errorf("the directory is still there: %v", err)
	}
	if err := p.Get(t.Context(), client.ObjectKey{Name: "claim-1234"}, &volume); client.IgnoreNotFound(err) != nil || err == nil {
		t.Errorf("the volume is still there: %v", err)
	}
}

func TestClaimsOfOtherClassesAreLeftAlone(t *testing.T) {
	t.Parallel()
	p := newProvisioner(t, claim("fast"))
	request := ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "irc-now", Name: "data"}}
	if _, err := (claims{p}).Reconcile(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	var list corev1.PersistentVolumeList
	if err := p.List(t.Context(), &list); err != nil || len(list.Items) != 0 {
		t.Errorf("volumes: %v %v", list.Items, err)
	}
}

func TestADirectoryElsewhereIsNeverRemoved(t *testing.T) {
	t.Parallel()
	elsewhere := filepath.Join(t.TempDir(), "claim-1234")
	if err := makeDirectory(elsewhere); err != nil {
		t.Fatal(err)
	}
	p := newProvisioner(t)
	volume := p.volumeFor(claim(className))
	volume.Spec.Local.Path = elsewhere
	if err := p.Create(t.Context(), volume); err != nil {
		t.Fatal(err)
	}
	release(t, p, volume)
	if _, err := (volumes{p}).Reconcile(t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Name: volume.Name}}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(elsewhere); err != nil {
		t.Error(err)
	}
}
