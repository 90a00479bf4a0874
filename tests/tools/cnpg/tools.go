// Package cnpg pins the CloudNativePG that tests/cluster brings up.
package cnpg
