// Package containerd pins the containerd that tests/cluster brings up.
package containerd
