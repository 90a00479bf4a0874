// Package story tells a user's story from outside against irc.now on a real Kubernetes with a real Knative: through the
// ingress, with cookies, IRC clients and the Kubernetes API; then again while parts of the cluster fail.
//
// Its tests have the build tag cluster, because they need a cluster with the test overlay deployed: `make e2e` brings one
// up and runs them with IRC_NOW_CLUSTER, the path of an administrator's kubeconfig. They run on the node itself, as
// root: faults end its programs.
package story
