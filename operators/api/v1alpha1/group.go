package v1alpha1

import (
	"net"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the API group and version of this package's kinds.
var GroupVersion = schema.GroupVersion{Group: "irc.now", Version: "v1alpha1"}

// LabelOwner holds the handle of the user an object belongs to; admission keeps it equal to spec.owner.
const LabelOwner = "irc.now/owner"

// AdminPort is where every bouncer's bounceradmin listens.
const AdminPort = "8090"

// AdminURL is where the bounceradmin of the bouncer called name answers, from inside the cluster.
func AdminURL(namespace, name string) string {
	return "http://" + net.JoinHostPort(name+"-admin."+namespace+".svc", AdminPort)
}

// AddToScheme makes the kinds known to scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &SojuBouncer{}, &SojuBouncerList{}, &ErgoNetwork{}, &ErgoNetworkList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
