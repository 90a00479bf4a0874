// Package scaffold holds the test that Knative's func can build this repository: it makes the program that func's
// scaffolding makes around func.yaml and function.go, in a module of its own, and uses it as a visitor would.
package scaffold
