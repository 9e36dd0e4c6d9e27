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

{{/* Who sets placement labels when pods are created: off, webhook or policy. YAML takes a bare `off` for false. */}}
{{- define "plimsoll.admission" -}}
{{- $mode := toString ((.Values.admission).mode | default "off") }}
{{- if not (has $mode (list "off" "webhook" "policy")) }}
{{- fail (printf "admission.mode: %q: must be off, webhook or policy" $mode) }}
{{- end }}
{{- $mode }}
{{- end }}

{{- define "plimsoll.admissionPort" -}}
{{- (.Values.admission).port | default 7482 | int }}
{{- end }}

{{/* Pods that may be placed at all: those of the cluster and of the daemon itself are not, nor those that are placed. */}}
{{- define "plimsoll.placeable" -}}
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values: [kube-system, {{ .Release.Namespace }}]
objectSelector:
  matchExpressions:
    - {key: plimsoll.io/placement, operator: DoesNotExist}
    - {key: eks.amazonaws.com/fargate-profile, operator: DoesNotExist}
matchConditions:
  - name: not-of-a-daemonset-or-statefulset
    expression: >-
      !has(object.metadata.ownerReferences) ||
      !object.metadata.ownerReferences.exists(o, o.kind in ['DaemonSet', 'StatefulSet', 'Node'])
  - name: not-on-the-network-of-its-host
    expression: "!has(object.spec.hostNetwork) || !object.spec.hostNetwork"
  - name: not-bound
    expression: "!has(object.spec.nodeName) || object.spec.nodeName == ''"
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
  "policies_store" "/var/lib/plimsoll/policies"
  "policy_cache" (dict "dir" "/var/lib/plimsoll/compiled" "max_mib" (div (int .Values.policyFiles.sizeMib) 2))
  "registry" (dict "dir" "/var/lib/plimsoll/images")
  "grpc" (dict
    "bind" (printf "0.0.0.0:%d" (int .Values.grpc.port))
    "tls" (dict "certificate" "/etc/plimsoll/tls/tls.crt" "key" "/etc/plimsoll/tls/tls.key")
    "socket" "/run/plimsoll/grpc.sock"
    "trust_loopback" (.Values.grpc.trustLoopback | default false))
  "pause_file" "/run/plimsoll/pause"
  "http" (dict
    "bind" (printf "0.0.0.0:%d" (int .Values.http.port))
    "authorise" (.Values.http.authorise | default false))
  "log" (dict "format" "json")
  "admission" (dict
    "mode" (include "plimsoll.admission" .)
    "bind" (printf "0.0.0.0:%s" (include "plimsoll.admissionPort" .))
    "service" (include "plimsoll.name" .))
}}
{{- if (.Values.admission).clientCaSecret }}
{{- $_ := set $own.admission "client_ca" "/etc/plimsoll/admission/ca.crt" }}
{{- end }}
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
