// Package serving pins the Knative Serving that tests/cluster brings up.
package serving
