// Package machine makes the machine it runs on a Kubernetes cluster of one node, and takes that back without a trace:
// etcd, API server, controller manager, scheduler, containerd with runc and CNI's bridge, kubelet, kube-proxy, and
// CoreDNS in a pod. All of it is built from the modules that tests/tools pins (tests/cluster/build) but runc, the CNI
// plugins and iptables, which are Debian's.
//
// It needs Linux and root, and nothing else of the machine: no systemd, no second cgroup version, no container
// engine, no registry of images. Images are imported (Load). Programs run in sessions of their own and outlive the
// caller; a second Up finds what runs, leaves what is healthy and replaces the rest.
//
// What it is not: safe to expose (it listens on a bridge without ports, 10.88.0.1, and etcd on loopback without a
// password), or several nodes. Network policies are enforced, for IPv4, which is all that pods have.
package machine
