// Package ko pins the program that makes and pushes the images of our Go programs for `make deploy`.
package ko
