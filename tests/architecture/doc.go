// Package architecture holds the tests that keep the shape of this repository: which folder may import which,
// where an identity provider may be built in, who may compare plan names, how long files and functions are, what the
// files of a function are called, and that docs/adding.md is true. Each rule is a pure function over source, tested on
// made-up sources too, so that a rule that has stopped noticing is noticed.
package architecture
