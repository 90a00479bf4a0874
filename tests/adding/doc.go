// Package adding holds the test that docs/adding.md is true: its example is put into a copy of this repository, as a
// newcomer would, and has to build, to pass its own tests and those of the repository that look at new functions, and to
// touch no more files than the page promises.
package adding
