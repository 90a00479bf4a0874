// Package postgres gets and runs a PostgreSQL server for one machine: for `make run` and for tests.
//
// In a cluster the server is somebody else's job. The package makes no databases or roles (package tenant does) and
// no tables (package store migrates).
package postgres
