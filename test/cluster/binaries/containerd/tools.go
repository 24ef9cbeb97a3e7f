//go:build tools

// Package containerd pins the container runtime of the test bed's node: go.mod
// says which version, go.sum what it must hash to.
package containerd

import (
	_ "github.com/containerd/containerd/v2/cmd/containerd"
	_ "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2"
	_ "github.com/containerd/containerd/v2/cmd/ctr"
)
