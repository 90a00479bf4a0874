// Package soju pins the soju that our patches are tried on: the newest that is a Go module. It has a module of its own: what it
// requires is older than what our linters accept.
package soju
