{{- define "readiness-operator.name" -}}readiness-operator{{- end -}}
{{- define "readiness-operator.selector" -}}
app.kubernetes.io/name: readiness-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{- define "readiness-operator.labels" -}}
{{ include "readiness-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: readiness-operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
{{- define "readiness-operator.image" -}}
{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end -}}
{{- define "readiness-operator.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}
{{- /* No user: the image names one by number, and OpenShift gives each namespace a range of its own. */}}
{{- define "readiness-operator.podSecurity" -}}
runAsNonRoot: true
seccompProfile: { type: RuntimeDefault }
{{- end -}}
{{- /* What it writes has one name in the whole cluster, so two releases would undo each other's work. */}}
{{- define "readiness-operator.onlyOne" -}}
{{- $role := lookup "rbac.authorization.k8s.io/v1" "ClusterRole" "" (include "readiness-operator.name" .) }}
{{- if $role }}
{{- $annotations := $role.metadata.annotations | default dict }}
{{- $name := get $annotations "meta.helm.sh/release-name" }}
{{- $namespace := get $annotations "meta.helm.sh/release-namespace" }}
{{- if and $name (or (ne $name .Release.Name) (ne $namespace .Release.Namespace)) }}
{{- fail (printf "readiness-operator is installed in this cluster already, as release %s in namespace %s. One installation serves the whole cluster: upgrade that one (helm upgrade -n %s %s ...), or uninstall it first." $name $namespace $namespace $name) }}
{{- end }}
{{- end }}
{{- end -}}
