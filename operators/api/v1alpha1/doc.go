// Package v1alpha1 is the Kubernetes API group irc.now/v1alpha1: what users and the portal ask for
// ([SojuBouncer], [ErgoNetwork]) and what the operators answer ([Status]).
//
// It owns the schemas and their invariants, as CEL rules whose messages are sentences for people. Who may have how many
// of them is functions/admission's question. It imports nothing of controller-runtime, so that functions which start from
// zero can use it cheaply.
//
// The names in the rules (of shared/reserved), the deep copies here and the definitions in knative/base/crds are
// generated: go generate ./operators/api/v1alpha1.
//
// +kubebuilder:object:generate=true
// +groupName=irc.now
package v1alpha1

//go:generate go run ./reserve sojubouncer.go ergonetwork.go
//go:generate go -C ../../../tests/tools/controllergen build -o ../../../bin/controller-gen sigs.k8s.io/controller-tools/cmd/controller-gen
//go:generate ../../../bin/controller-gen object crd paths=. output:crd:dir=../../../knative/base/crds
