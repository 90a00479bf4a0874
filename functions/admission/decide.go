package admission

import (
	"context"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"

	"irc.now/operators/api/v1alpha1"
	"irc.now/shared/account"
	"irc.now/shared/fault"
)

// decide is nil for what may be stored. Its faults' sentences are for whoever asked the API server.
func (f *Function) decide(ctx context.Context, r *admissionv1.AdmissionRequest) error {
	switch {
	case !ours(r):
		return fault.New(fault.Invalid, "This webhook decides about bouncers and networks of irc.now only; it is registered for too much.")
	case r.Operation == admissionv1.Delete, r.SubResource == "status":
		return nil // nothing grows
	case r.SubResource != "" || r.Operation != admissionv1.Create && r.Operation != admissionv1.Update:
		return fault.New(fault.Invalid, "This webhook decides about creations and updates only; it is registered for too much.")
	}
	now, old, err := readObjects(r)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The %s in the review cannot be read.", r.Kind.Kind)
	}
	now.namespace = r.Namespace
	dry := r.DryRun != nil && *r.DryRun
	if r.Operation == admissionv1.Create {
		return f.create(ctx, now, dry)
	}
	return f.update(ctx, r.UserInfo.Username, old, now, dry)
}

func ours(r *admissionv1.AdmissionRequest) bool {
	kind := r.Kind.Kind == bouncerKind || r.Kind.Kind == networkKind
	return kind && r.Kind.Group == v1alpha1.GroupVersion.Group && r.Kind.Version == v1alpha1.GroupVersion.Version
}

func (f *Function) create(ctx context.Context, o object, dry bool) error {
	if o.shared {
		return nil // has no owner and no limit; the schema allows one
	}
	return f.admit(ctx, wish{object: o, dry: dry, one: true, of: anyOf})
}

// update checks what grows and leaves the rest alone.
func (f *Function) update(ctx context.Context, user string, old, now object, dry bool) error {
	moved := now.owner != old.owner
	relabelled := now.label != old.label
	switch {
	case (moved || relabelled) && !f.changers[user]:
		return fault.New(fault.Forbidden, "The owner of a %s stays, and so does its label %s. Delete it and make a new one.", now.word(), v1alpha1.LabelOwner)
	case now.shared:
		return nil
	case moved:
		return f.admit(ctx, wish{object: now, dry: dry, one: true, of: anyOf})
	case now.moreThan(old):
		return f.admit(ctx, wish{object: now, dry: dry, one: now.wakes(old), of: awake})
	case relabelled:
		return checkLabel(now)
	}
	return nil
}

func (o object) word() string {
	if o.kind == bouncerKind {
		return "bouncer"
	}
	return "network"
}

// wish is what somebody wants that may exceed their plan.
type wish struct {
	object

	dry bool
	one bool               // there would be one more than now
	of  func(present) bool // which of the others count
}

func anyOf(present) bool { return true }

// awake are the others that count when one is to run again: after a downgrade, users choose which one stays.
func awake(p present) bool { return p.running }

func (f *Function) admit(ctx context.Context, w wish) error {
	if err := f.checkForm(w.object); err != nil {
		return err
	}
	accounts, err := f.accounts.open(ctx)
	if err != nil {
		return err
	}
	user, err := owner(ctx, accounts, w.owner)
	if err != nil {
		return err
	}
	if err := checkSize(w.object, user); err != nil || !w.one {
		return err
	}
	if err := checkName(ctx, accounts, w.object); err != nil {
		return err
	}
	claim := accounts.Claim
	if w.dry {
		claim = accounts.TryClaim
	}
	as := account.Claim{UserID: user.ID, Kind: w.kind, Namespace: w.namespace, Name: w.name}
	return claim(ctx, as, func(open []account.OpenClaim) error {
		there, err := f.cluster.list(ctx, w.kind, w.owner)
		if err != nil {
			return err
		}
		return checkCount(w, user.Entitlements(), there, open)
	})
}

// checkForm checks what can be said without asking anybody.
func (f *Function) checkForm(o object) error {
	switch {
	case o.namespace != f.namespace:
		return fault.New(fault.Invalid, "Bouncers and networks live in the namespace %s. Nothing would look after one in %s.", f.namespace, o.namespace)
	case o.unknown != nil:
		return fault.Wrap(o.unknown, fault.Invalid, "The specification has fields that this version of irc.now cannot check (%v). Leave them out, or wait for the update.", o.unknown)
	}
	return checkLabel(o)
}

func checkLabel(o object) error {
	switch {
	case o.label == "":
		return fault.New(fault.Invalid, "The label %s is missing. It must hold the owner's handle, as spec.owner does.", v1alpha1.LabelOwner)
	case o.label != o.owner:
		return fault.New(fault.Invalid, "The label %s says %q and spec.owner says %q. Both must hold the owner's handle.", v1alpha1.LabelOwner, o.label, o.owner)
	}
	return nil
}

// checkName keeps a bouncer from the address that another user's would have: their friends would type passwords there.
func checkName(ctx context.Context, accounts *account.Store, o object) error {
	if o.kind != bouncerKind || o.name == o.owner {
		return nil
	}
	_, err := accounts.ByHandle(ctx, account.Handle(o.name))
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err != nil:
		return err
	}
	return fault.New(fault.Forbidden, "%q is another user's handle, and a bouncer of that name would be at their address. Call it like its owner, %q.", o.name, o.owner)
}

func owner(ctx context.Context, accounts *account.Store, handle string) (account.User, error) {
	none := fault.New(fault.Invalid, "There is no user called %q. The owner must be the handle of somebody who has signed up.", handle)
	if strings.ContainsRune(handle, 0) {
		return account.User{}, none // which the database could not even be asked
	}
	user, err := accounts.ByHandle(ctx, account.Handle(handle))
	if fault.Is(err, fault.NotFound) {
		return account.User{}, none
	}
	return user, err
}
