// Package account owns users: who they are, what their plan allows, and the credentials their IRC clients hold.
//
// It owns the tables of [Migrations] in the "accounts" database. It does not sign anybody in (package auth does) and
// talks to no bouncer.
package account
