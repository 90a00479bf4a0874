// Package tools pins the programs that checks and tests run but the product does not link: linters, and the
// newest soju that the public module proxies hold, for machines where no package of soju is to be had.
// They have a module of their own, so that their dependencies do not choose the product's versions.
package tools
