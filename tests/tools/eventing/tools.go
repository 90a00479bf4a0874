// Package eventing pins the Knative Eventing that tests/cluster brings up.
package eventing
