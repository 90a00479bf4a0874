// Package soju is the operator of SojuBouncers: from the custom resource to a tenant's database, soju's configuration,
// the pod (soju, bounceradmin and, for a dedicated bouncer, web chat), Services, certificate and exposure.
//
// Objects are built by pure functions, one file each, and compared as YAML in the tests; reconcile.go says in which
// order they are applied and what becomes of them. Nothing here knows a user's plan: the spec says what a bouncer may.
//
// A certificate is renewed without anybody noticing: bounceradmin, which shares soju's processes, sends it SIGHUP when
// the file under it is another than the one soju answers with. Every other change of configuration restarts the pod.
package soju
