{{- define "plimsoll.name" -}}
{{- if contains "plimsoll" .Release.Name }}{{ .Release.Name | trunc 63 }}{{ else }}{{ printf "%s-plimsoll" .Release.Name | trunc 63 }}{{ end }}
{{- end }}

{{- define "plimsoll.selector" -}}
app.kubernetes.io/name: plimsoll
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "plimsoll.labels" -}}
{{ include "plimsoll.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "plimsoll.tlsSecret" -}}
{{ .Values.grpc.tls.secretName | default (printf "%s-grpc" (include "plimsoll.name" .)) }}
{{- end }}

{{/* What the daemon reads at its start; a change needs a new pod. The aims are not in it: they have a file of their own
that is read again when it changes. */}}
{{- define "plimsoll.config" -}}
{{- $own := dict
  "cluster" .Values.cluster
  "mode" .Values.mode
  "provider" .Values.provider
  "kubernetes" (dict "load" .Values.load)
  "policies_dir" "/etc/plimsoll/policies"
  "aims_file" "/etc/plimsoll/aims/aims.yaml"
  "ledger" (dict "configmap" (dict "namespace" .Release.Namespace))
  "logbook" (dict "dir" "/var/lib/plimsoll/logbook" "max_mib" (div (mul (int .Values.logbook.sizeMib) 4) 5))
  "grpc" (dict
    "bind" (printf "0.0.0.0:%d" (int .Values.grpc.port))
    "tls" (dict "certificate" "/etc/plimsoll/tls/tls.crt" "key" "/etc/plimsoll/tls/tls.key"))
  "http" (dict "bind" (printf "0.0.0.0:%d" (int .Values.http.port)))
  "log" (dict "format" "json")
}}
{{- with .Values.grpc.audiences }}
{{- $_ := set $own.grpc "audiences" . }}
{{- end }}
{{- mergeOverwrite $own (omit (deepCopy .Values.config) "aims") | toYaml }}
{{- end }}

{{/* The day on which the certificate in force was made: today, where there is none, or nobody to have made it, or two thirds
of its life are over. */}}
{{- define "plimsoll.tlsIssued" -}}
{{- $day := "2006-01-02" }}
{{- $today := now | date $day }}
{{- $old := lookup "v1" "Secret" .Release.Namespace (include "plimsoll.tlsSecret" .) | default dict }}
{{- $issued := dig "metadata" "annotations" "plimsoll.io/issued" "" $old }}
{{- $authority := lookup "v1" "Secret" .Release.Namespace (printf "%s-ca" (include "plimsoll.tlsSecret" .)) }}
{{- $hours := div (mul (int .Values.grpc.tls.days) 24 2) 3 }}
{{- if not (and $issued $authority) }}
{{- $today }}
{{- else if le (toDate $day $issued | dateModify (printf "+%dh" $hours) | date $day) $today }}
{{- $today }}
{{- else }}
{{- $issued }}
{{- end }}
{{- end }}
