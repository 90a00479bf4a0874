// Package manifests pins the releases whose schemas the manifests under knative/ are held to. Nothing of them is built:
// the schemas are read from the modules' files.
package manifests
