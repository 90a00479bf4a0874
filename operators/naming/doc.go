// Package naming holds every name, label, annotation, finalizer, field owner and condition reason that the operators
// use, so that none is spelled twice or used for two things. It touches no cluster.
//
// A bouncer's objects begin with the bouncer's own name, a network's with "ergo-" and the network's. No bouncer can be
// called that, nor end in one of the suffixes used here, because both are reserved as handles: so no two resources
// ever want the same object.
package naming

import (
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"irc.now/operators/api/v1alpha1"
)

// FieldOwner is the operators' name in server-side apply.
const FieldOwner = "irc.now-operator"

// Finalizer keeps a custom resource until its database is put aside.
const Finalizer = "irc.now/database"

// Annotations.
const (
	// Expires, on a volume's claim whose network is gone, is when it may be deleted (RFC 3339).
	Expires = "irc.now/expires"
	// Nudge, on a pod, has the kubelet look at the pod's files now, and not within a minute or two.
	Nudge = "irc.now/nudge"
	// Checksum, on a pod template, is of the configuration that the pod reads only when it starts.
	Checksum = "irc.now/checksum"
)

// Labels. LabelManagedBy is on everything that the operators write; they watch nothing without it.
const (
	LabelOwner     = v1alpha1.LabelOwner
	LabelName      = "app.kubernetes.io/name"
	LabelInstance  = "app.kubernetes.io/instance"
	LabelPartOf    = "app.kubernetes.io/part-of"
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// LabelEntrance is on routes: OpenShift admits them to the router for IRC or the one for the web by it.
	LabelEntrance = "irc.now/entrance"
)

// Values of labels.
const (
	Soju        = "soju"
	Ergo        = "ergo"
	PartOf      = "irc.now"
	EntranceIRC = "irc"
	EntranceWeb = "web"
)

// Objects are the names of everything that belongs to one custom resource.
type Objects struct {
	program  string // Soju or Ergo
	instance string // the custom resource's name
	base     string // what objects' names begin with
}

// Bouncer names the objects of the SojuBouncer called name.
func Bouncer(name string) Objects { return Objects{program: Soju, instance: name, base: name} }

// Network names the objects of the ErgoNetwork called name.
func Network(name string) Objects {
	return Objects{program: Ergo, instance: name, base: Ergo + "-" + name}
}

// Workload is the Deployment, its Service, PodDisruptionBudget and NetworkPolicy.
func (o Objects) Workload() string { return o.base }

// AdminService is the Service of bounceradmin, or of ergo's HTTP API.
func (o Objects) AdminService() string { return v1alpha1.AdminService(o.base) }

// DatabaseSecret holds the credentials of the tenant's database.
func (o Objects) DatabaseSecret() string { return o.base + "-database" }

// ConfigSecret holds the server's configuration, which has credentials in it.
func (o Objects) ConfigSecret() string { return o.base + "-config" }

// ChatConfigMap holds nginx's and gamja's configuration.
func (o Objects) ChatConfigMap() string { return o.base + "-chat" }

// Certificate is cert-manager's Certificate and the Secret that it fills.
func (o Objects) Certificate() string { return o.base + "-tls" }

// IRCRoute passes IRC over TLS through.
func (o Objects) IRCRoute() string { return o.base + "-irc" }

// WebRoute serves web chat.
func (o Objects) WebRoute() string { return o.base + "-web" }

// Database is the tenant in PostgreSQL. A name has no underscores, so no two become the same.
func (o Objects) Database() string {
	return o.program + "_" + strings.ReplaceAll(o.instance, "-", "_")
}

// OperatorSecret holds the owner's login as operator of the network.
func (o Objects) OperatorSecret() string { return o.base + "-operator" }

// Volume is the claim of a network's volume. It outlives the network for a while, so a later one of the same name has
// another: uid is the custom resource's.
func (o Objects) Volume(uid types.UID) string {
	short, _, _ := strings.Cut(string(uid), "-")
	return o.base + "-data-" + short
}

// Selector are the labels that choose the pods; they never change.
func (o Objects) Selector() map[string]string {
	return map[string]string{LabelName: o.program, LabelInstance: o.instance}
}

// Labels are on every object; owner is the user's handle, "" for the shared bouncer.
func (o Objects) Labels(owner string) map[string]string {
	labels := o.Selector()
	labels[LabelPartOf] = PartOf
	labels[LabelManagedBy] = FieldOwner
	if owner != "" {
		labels[LabelOwner] = owner
	}
	return labels
}
