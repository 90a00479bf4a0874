// Package operatortest gives tests a real Kubernetes API server: etcd and kube-apiserver, without a kubelet, so
// objects are stored, validated, defaulted and watched as on a cluster, while no pod ever runs and nothing but the
// code under test changes them (no garbage collection either: owned objects stay when their owner goes).
//
// Both programs are built from the modules that tests/tools pins, by `make apiserver`. Where they are missing, a test
// that asks for a server fails when CI is set, and is skipped with a sentence that says what to run otherwise.
//
// A package with such tests has
//
//	func TestMain(m *testing.M) {
//		os.Exit(operatortest.Main(m, operatortest.Options{CRDs: []operatortest.Source{operatortest.Gateway}}))
//	}
//
// and its tests ask for operatortest.Shared(t), which starts the server when the first of them does. Several packages
// may do so at once: each test process has a server, ports and directory of its own.
package operatortest
