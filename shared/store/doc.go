// Package store is how every program of irc.now reaches PostgreSQL: pools, transactions, and what a database has to
// hold for a program: migration sets and grants.
//
// It holds no SQL of any aggregate; that lives beside the aggregate. It changes no schema either: package migrate
// does, for the one program that may.
package store
