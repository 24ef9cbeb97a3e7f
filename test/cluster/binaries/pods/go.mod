module readiness-operator.dev/test/cluster/pods

go 1.26.8
