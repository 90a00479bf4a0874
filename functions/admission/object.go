package admission

import (
	"encoding/json"
	"errors"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"irc.now/operators/api/v1alpha1"
)

// The kinds that are decided about.
const (
	bouncerKind = "SojuBouncer"
	networkKind = "ErgoNetwork"
)

// object is a bouncer or a network, reduced to what counts.
type object struct {
	kind      string
	namespace string
	name      string
	label     string // who owns it, as it is listed by
	owner     string
	shared    bool  // the bouncer of all who have no dedicated one
	running   bool  // not stopped, by whomever
	clients   int   // how many may be connected; 0 sets no limit
	unknown   error // what the specification has beyond what we know
}

// readObject reads an object of kind out of a review.
func readObject(kind string, raw []byte) (object, error) {
	var outer struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
		Spec     json.RawMessage   `json:"spec"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &outer); err != nil {
		return object{}, fmt.Errorf("read the object: %w", err)
	}
	o := object{
		kind: kind, namespace: outer.Metadata.Namespace, name: outer.Metadata.Name,
		label: outer.Metadata.Labels[v1alpha1.LabelOwner],
	}
	if o.name == "" || outer.Spec == nil {
		return object{}, errors.New("the object has no name or no specification")
	}
	if kind == bouncerKind {
		return o, o.readBouncer(outer.Spec)
	}
	return o, o.readNetwork(outer.Spec)
}

func (o *object) readBouncer(raw []byte) error {
	var spec v1alpha1.SojuBouncerSpec
	if err := o.read(raw, &spec); err != nil {
		return err
	}
	o.owner, o.running, o.shared = spec.Owner, !spec.Stopped(), spec.Role == v1alpha1.RoleShared
	return nil
}

func (o *object) readNetwork(raw []byte) error {
	var spec v1alpha1.ErgoNetworkSpec
	if err := o.read(raw, &spec); err != nil {
		return err
	}
	o.owner, o.running, o.clients = spec.Owner, !spec.Stopped(), int(spec.Clients())
	return nil
}

// read takes fields that we do not know for no error: an older function must not keep what a newer schema has stored
// from being suspended. But nothing gets in on them.
func (o *object) read(raw []byte, spec any) error {
	unknown, err := kjson.UnmarshalStrict(raw, spec)
	if err != nil {
		return fmt.Errorf("read the specification: %w", err)
	}
	o.unknown = errors.Join(unknown...)
	return nil
}

// moreThan reports whether o takes more of its owner's plan than it did as old: it is let run, or it may be larger.
func (o object) moreThan(old object) bool { return o.wakes(old) || o.larger(old) }

func (o object) wakes(old object) bool { return o.running && !old.running }

func (o object) larger(old object) bool {
	return old.clients != 0 && (o.clients == 0 || o.clients > old.clients)
}

// readObjects reads what a review is about; old is what is stored, for an update.
func readObjects(r *admissionv1.AdmissionRequest) (now, old object, err error) {
	if now, err = readObject(r.Kind.Kind, r.Object.Raw); err != nil {
		return now, old, err
	}
	if r.Operation == admissionv1.Update {
		old, err = readObject(r.Kind.Kind, r.OldObject.Raw)
	}
	return now, old, err
}
