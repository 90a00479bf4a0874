// Package architecture holds the tests that keep the shape of this repository: which folder may import which,
// where an identity provider may be built in, who may compare plan names, and what each function's func.yaml
// must say. Each rule is a pure function over source, tested on made-up sources too, so that a rule that has
// stopped noticing is noticed.
package architecture
