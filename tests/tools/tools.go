// Package tools pins the programs that checks run but the product does not link: the linters. They have a module of
// their own, so that their dependencies do not choose the product's versions.
package tools
