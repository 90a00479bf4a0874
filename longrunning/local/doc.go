// Package local runs the whole of irc.now on one machine: the same functions as in the cluster, the real soju, ergo
// and PostgreSQL, and small stand-ins for what a cluster supplies (a router by host name, an identity provider, a
// clock that ticks).
//
// It owns what is special about one machine: which programs run, on which ports of the loopback interface, with which
// secrets, in which folder, and that they start, stay up and stop together. It holds no product logic.
//
// Trust begins at the doors it opens, and those are all on loopback: the HTTP port, the IRC port and the local
// network's port. Programs of other users of the same machine can reach them too, so everything behind them asks for
// credentials as it would in the cluster.
package local
