//go:build tools

// Package etcd pins the etcd server of the test bed: go.mod says which version,
// go.sum what it must hash to.
package etcd

import _ "go.etcd.io/etcd/server/v3"
