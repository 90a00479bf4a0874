// Package traefik pins the Traefik that tests/cluster brings up.
package traefik
