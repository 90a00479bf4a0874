package ergo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"irc.now/operators/api/v1alpha1"
	"irc.now/operators/naming"
	"irc.now/operators/reconciler"
	"irc.now/shared/background"
)

const sweepEvery = time.Hour

// volumeFor builds the claim of the volume with accounts and channels. It has no owner, so that it outlives the network
// for the time that the database does; its name holds the network's uid, so that a new network of the same name never
// gets another's accounts.
func (s *Settings) volumeFor(n *v1alpha1.ErgoNetwork) *corev1.PersistentVolumeClaim {
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metaFor(n, names(n).Volume(n.UID)),
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: s.StorageSize},
			},
		},
	}
	if s.StorageClass != "" {
		claim.Spec.StorageClassName = &s.StorageClass
	}
	return claim
}

// reconcileVolume makes the claim, and asks for more room where the setting has grown. Nothing else of a claim can
// change, and a volume never shrinks.
//
// +kubebuilder:rbac:groups="",namespace=irc-now-tenants,resources=persistentvolumeclaims,verbs=get;list;watch;create;patch;delete
func (r *Reconciler) reconcileVolume(ctx context.Context, n *v1alpha1.ErgoNetwork) error {
	want := r.volumeFor(n)
	var live corev1.PersistentVolumeClaim
	err := r.writer.Client.Get(ctx, client.ObjectKeyFromObject(want), &live)
	if apierrors.IsNotFound(err) {
		err = r.writer.Client.Create(ctx, want, client.FieldOwner(naming.FieldOwner))
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("make the volume: %w", err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the volume: %w", err)
	}
	size := want.Spec.Resources.Requests[corev1.ResourceStorage]
	if size.Cmp(live.Spec.Resources.Requests[corev1.ResourceStorage]) <= 0 {
		return nil
	}
	before := live.DeepCopy()
	live.Spec.Resources.Requests[corev1.ResourceStorage] = size
	if err := r.writer.Client.Patch(ctx, &live, client.MergeFrom(before), client.FieldOwner(naming.FieldOwner)); err != nil {
		// Not every storage class can; the network runs with the room that it has.
		r.Log.WarnContext(ctx, "could not enlarge a volume", slog.String("network", n.Name), slog.Any("error", err))
	}
	return nil
}

// finalize puts aside what outlives the network: its database and its volume. Its pod goes first, since it uses both.
//
// +kubebuilder:rbac:groups=apps,namespace=irc-now-tenants,resources=deployments,verbs=delete
func (r *Reconciler) finalize(ctx context.Context, n *v1alpha1.ErgoNetwork) error {
	r.running.forget(n.UID)
	if err := r.writer.Delete(ctx, n, r.workloadFor(n, "")); err != nil {
		return err
	}
	certificate := reconciler.CertificateStep{Writer: r.writer, Issuer: r.Issuer}
	if err := certificate.Remove(ctx, n, names(n), n.Spec.Owner, r.hostOf(n)); err != nil {
		return err
	}
	if err := r.Databases.Bury(ctx, names(n).Database(), string(n.UID)); err != nil {
		return fmt.Errorf("bury the database: %w", err)
	}
	return r.expireVolume(ctx, n)
}

// expireVolume notes until when the volume is kept; without any retention it goes at once.
func (r *Reconciler) expireVolume(ctx context.Context, n *v1alpha1.ErgoNetwork) error {
	var claim corev1.PersistentVolumeClaim
	err := r.writer.Client.Get(ctx, client.ObjectKey{Namespace: n.Namespace, Name: names(n).Volume(n.UID)}, &claim)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("read the volume: %w", err)
	case r.Retention <= 0:
		return deleteClaim(ctx, r.writer.Client, &claim)
	case claim.Annotations[naming.Expires] != "":
		return nil
	}
	before := claim.DeepCopy()
	if claim.Annotations == nil {
		claim.Annotations = map[string]string{}
	}
	claim.Annotations[naming.Expires] = r.now().Add(r.Retention).UTC().Format(time.RFC3339)
	if err := r.writer.Client.Patch(ctx, &claim, client.MergeFrom(before), client.FieldOwner(naming.FieldOwner)); err != nil {
		return fmt.Errorf("note when the volume expires: %w", err)
	}
	return nil
}

func deleteClaim(ctx context.Context, c client.Client, claim *corev1.PersistentVolumeClaim) error {
	if err := c.Delete(ctx, claim, client.Preconditions{UID: &claim.UID}); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete volume %s: %w", claim.Name, err)
	}
	return nil
}

// Sweeper deletes the volumes of networks that are gone once their time is over.
type Sweeper struct {
	Client client.Client
	Log    *slog.Logger
	Now    func() time.Time // nil for time.Now
}

// NeedLeaderElection keeps the sweep to one operator.
func (s *Sweeper) NeedLeaderElection() bool { return true }

// Start sweeps at once and then hourly, until ctx ends: it is a manager's Runnable.
func (s *Sweeper) Start(ctx context.Context) error {
	s.sweep(ctx)
	background.Every(ctx, sweepEvery, s.sweep)
	return nil
}

func (s *Sweeper) sweep(ctx context.Context) {
	if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
		s.Log.ErrorContext(ctx, "could not delete all volumes that are due", slog.Any("error", err))
	}
}

// Sweep deletes what is due. A claim whose note cannot be read is kept.
func (s *Sweeper) Sweep(ctx context.Context) error {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	var list corev1.PersistentVolumeClaimList
	labels := client.MatchingLabels{naming.LabelManagedBy: naming.FieldOwner, naming.LabelName: naming.Ergo}
	if err := s.Client.List(ctx, &list, labels); err != nil {
		return fmt.Errorf("list volumes: %w", err)
	}
	var failures []error
	for i := range list.Items {
		claim := &list.Items[i]
		expires, err := time.Parse(time.RFC3339, claim.Annotations[naming.Expires])
		if err != nil || now().Before(expires) || claim.DeletionTimestamp != nil {
			continue
		}
		if err := deleteClaim(ctx, s.Client, claim); err != nil {
			failures = append(failures, err)
			continue
		}
		s.Log.InfoContext(ctx, "deleted a volume whose time was over", slog.String("volume", claim.Name))
	}
	return errors.Join(failures...)
}
