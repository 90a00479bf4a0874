package v1alpha1

import (
	"net"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the API group and version of this package's kinds.
var GroupVersion = schema.GroupVersion{Group: "irc.now", Version: "v1alpha1"}

// LabelOwner holds the handle of the user an object belongs to; admission keeps it equal to spec.owner.
const LabelOwner = "irc.now/owner"

// Annotations with which irc.now tells its own number of clients from the owner's.
const (
	// AnnotationPlanClients holds what irc.now wrote into spec.maxClients last. While it is still there, the number
	// follows the plan; any other is the owner's choice.
	AnnotationPlanClients = "irc.now/plan-clients"
	// AnnotationChosenClients holds the owner's choice behind the number of irc.now. Without it that is as many as the
	// plan allows.
	AnnotationChosenClients = "irc.now/chosen-clients"
)

// AdminPort is where every bouncer's bounceradmin listens.
const AdminPort = 8090

// AdminService is the Service of bounceradmin for objects whose names begin with base; a bouncer's do with its name.
func AdminService(base string) string { return base + "-admin" }

// AdminURL is where the bounceradmin of the bouncer called name answers, from inside the cluster.
func AdminURL(namespace, name string) string {
	return "http://" + net.JoinHostPort(AdminService(name)+"."+namespace+".svc", strconv.Itoa(AdminPort))
}

// AddToScheme makes the kinds known to scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &SojuBouncer{}, &SojuBouncerList{}, &ErgoNetwork{}, &ErgoNetworkList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
