// Package soju holds how our image of soju is built, and the test of the patches that go into it.
//
// The image's version is in no Go module, so the same patches are kept twice: v0.11.patch for the image, and v0.8.patch for the newest
// version that is one, on which the test builds and tries them. Whoever raises the image's version tries v0.11.patch with a
// checkout of that:
//
//	SOJU_SOURCE=/path/to/checkout go test ./longrunning/soju
package soju
