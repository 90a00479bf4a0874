// Package ergo is the operator of ErgoNetworks: each becomes one ergo IRC server with a database for its history, a
// volume for its accounts and channels, a certificate, and a way in from outside.
//
// Builders (…For) are pure; parts apply what they build. A change that a running ergo can take is put into its files and
// loaded by a rehash, so that nobody's connection drops (see running.go for how that is proved); only what ergo reads
// at its start alone goes into the pod template's checksum, which restarts it.
//
// What holds for bouncers as well (applying, conditions, databases, exposure) is package reconciler's.
package ergo
