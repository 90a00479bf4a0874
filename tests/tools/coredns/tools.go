// Package coredns pins the CoreDNS that tests/cluster brings up.
package coredns
