package main

import (
	"github.com/spf13/cobra"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// Before 1.34 the kubelet's command takes no context; otherwise as for newer versions.
func init() {
	programs["kubelet"] = func() *cobra.Command { return kubelet.NewKubeletCommand() }
	programs["kube-proxy"] = proxy.NewProxyCommand
}
