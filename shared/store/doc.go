// Package store is how every program of irc.now reaches PostgreSQL: pools, transactions and migrations.
//
// It holds no SQL of any aggregate; that lives beside the aggregate.
package store
