//go:build tools

// Package cni pins the network plugins of the test bed's node: go.mod says which
// version, go.sum what it must hash to.
package cni

import (
	_ "github.com/containernetworking/plugins/plugins/ipam/host-local"
	_ "github.com/containernetworking/plugins/plugins/main/bridge"
	_ "github.com/containernetworking/plugins/plugins/main/loopback"
)
