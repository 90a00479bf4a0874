// Package account owns users: who they are, what their plan allows, and the credentials their IRC clients hold.
//
// It owns the "accounts" database, the sessions table included. It does not sign anybody in (package auth does) and
// talks to no bouncer.
package account
