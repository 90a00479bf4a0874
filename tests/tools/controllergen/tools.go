// Package controllergen pins the generator of the custom resource definitions and deep copies of operators/api.
package controllergen
