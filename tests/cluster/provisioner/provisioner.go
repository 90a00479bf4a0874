package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// className is the storage class whose claims are served.
	className = "directory"
	// provisionerName is how volumes say who made them.
	provisionerName = "irc.now/directory"
	// provisionedBy keeps Kubernetes' own controller from deleting a volume that it cannot clean.
	provisionedBy = "pv.kubernetes.io/provisioned-by"
)

type provisioner struct {
	client.Client
	dir  string // absolute, and the same on the node and in the pod
	node string
}

// claims makes a volume for each claim that has none.
type claims struct{ *provisioner }

// Reconcile implements reconcile.Reconciler.
func (c claims) Reconcile(ctx context.Context, r ctrl.Request) (ctrl.Result, error) {
	var claim corev1.PersistentVolumeClaim
	if err := c.Get(ctx, r.NamespacedName, &claim); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !wantsVolume(&claim) {
		return ctrl.Result{}, nil
	}
	volume := c.volumeFor(&claim)
	if err := makeDirectory(volume.Spec.Local.Path); err != nil {
		return ctrl.Result{}, fmt.Errorf("making the directory of claim %s: %w", r, err)
	}
	if err := c.Create(ctx, volume); err != nil && !apierrors.IsAlreadyExists(err) {
		return ctrl.Result{}, fmt.Errorf("creating the volume of claim %s: %w", r, err)
	}
	return ctrl.Result{}, nil
}

// volumes removes what belongs to no claim any more.
type volumes struct{ *provisioner }

// Reconcile implements reconcile.Reconciler.
func (v volumes) Reconcile(ctx context.Context, r ctrl.Request) (ctrl.Result, error) {
	var volume corev1.PersistentVolume
	if err := v.Get(ctx, r.NamespacedName, &volume); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !v.isLeftOver(&volume) {
		return ctrl.Result{}, nil
	}
	if err := os.RemoveAll(volume.Spec.Local.Path); err != nil {
		return ctrl.Result{}, fmt.Errorf("removing the directory of volume %s: %w", volume.Name, err)
	}
	return ctrl.Result{}, client.IgnoreNotFound(v.Delete(ctx, &volume))
}

func wantsVolume(claim *corev1.PersistentVolumeClaim) bool {
	class := claim.Spec.StorageClassName
	return class != nil && *class == className && claim.Spec.VolumeName == "" && claim.DeletionTimestamp.IsZero()
}

// isLeftOver also asks where the volume lies: nothing but what this program has made is ever removed.
func (p *provisioner) isLeftOver(volume *corev1.PersistentVolume) bool {
	return volume.Annotations[provisionedBy] == provisionerName &&
		volume.Status.Phase == corev1.VolumeReleased &&
		volume.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimDelete &&
		volume.Spec.Local != nil && filepath.Dir(volume.Spec.Local.Path) == filepath.Clean(p.dir)
}

// volumeFor builds the volume of a claim. It is a local volume, not a host path, because for a local one the kubelet
// sets the group that a pod's fsGroup asks for.
func (p *provisioner) volumeFor(claim *corev1.PersistentVolumeClaim) *corev1.PersistentVolume {
	name := "claim-" + string(claim.UID)
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{provisionedBy: provisionerName}},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      claim.Spec.Resources.Requests,
			AccessModes:                   claim.Spec.AccessModes,
			VolumeMode:                    claim.Spec.VolumeMode,
			StorageClassName:              className,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				Local: &corev1.LocalVolumeSource{Path: filepath.Join(p.dir, name)},
			},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{{
					Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{p.node},
				}}}},
			}},
		},
	}
}

// makeDirectory makes a directory that any user may write to: a pod without an fsGroup runs as a user of its own.
func makeDirectory(path string) error {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	return os.Chmod(path, 0o777)
}
