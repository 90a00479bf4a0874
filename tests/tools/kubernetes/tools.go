// Package kubernetes pins the Kubernetes that tests/cluster brings up.
package kubernetes
