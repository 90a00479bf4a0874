module irc.now/tests/tools/manifests

go 1.26.0

require (
	github.com/argoproj/argo-cd/v3 v3.0.12
	github.com/cert-manager/cert-manager v1.21.2
	github.com/cloudnative-pg/cloudnative-pg v1.26.0
	github.com/openshift/api v0.0.0-20260420151639-34e60874783e
	github.com/prometheus-operator/prometheus-operator v0.80.1
	k8s.io/kubernetes v1.36.3
	knative.dev/eventing v0.50.0
	knative.dev/serving v0.50.0
	sigs.k8s.io/gateway-api v1.6.0
)
