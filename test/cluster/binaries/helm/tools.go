//go:build tools

// Package helm pins the helm with which the chart is tested: go.mod says which
// version, go.sum what it must hash to.
package helm

import _ "helm.sh/helm/v4/cmd/helm"
