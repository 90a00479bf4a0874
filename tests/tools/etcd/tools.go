// Package etcd pins the etcd under the API server that tests bring up.
package etcd
