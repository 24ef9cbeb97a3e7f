{{- define "readiness-operator.name" -}}readiness-operator{{- end -}}
{{- define "readiness-operator.selector" -}}
app.kubernetes.io/name: readiness-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{- define "readiness-operator.labels" -}}
{{ include "readiness-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
