// Package reconciler is what both operators do alike: bring the objects that one custom resource owns to what they should
// be, and say in its conditions how that went.
//
// An operator describes its resource as [Part]s, one for each condition, and runs them by a [Controller], which owns
// the order of a reconciliation: finalizer, parts, one write of the status. Objects are built by pure functions and
// written by [Writer.Apply], which writes only what differs: a pass over a resource that is as it should be writes
// nothing at all. The database outside the cluster is behind [Databases].
//
// The package knows no kind of server: what soju or ergo need is in their packages.
package reconciler
