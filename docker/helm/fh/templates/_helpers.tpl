{{/* Most helpers take a dict: the root of the chart, and the role's name, which is also its command. */}}

{{- define "fh.name" -}}
{{- if contains "fh" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-fh{{ end }}
{{- end }}

{{- define "fh.roles" -}}
{{- if eq .Values.shape "party" }}party{{ else }}mr,dacha,edge{{ end }}
{{- end }}

{{- define "fh.roleName" -}}
{{ include "fh.name" .root }}-{{ .role }}
{{- end }}

{{- define "fh.command" -}}
{{- if eq .role "party" }}party-server{{ else }}{{ .role }}{{ end }}
{{- end }}

{{- define "fh.port" -}}
{{- get (dict "party" 8085 "mr" 8085 "dacha" 8902 "edge" 8553) .role }}
{{- end }}

{{- define "fh.selector" -}}
app.kubernetes.io/name: fh
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{- define "fh.labels" -}}
{{ include "fh.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "fh.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- define "fh.embedded" -}}
{{- if and (eq .Values.shape "party") (not .Values.database.existingSecret) }}true{{ end }}
{{- end }}

{{- define "fh.check" -}}
{{- $values := .Values }}
{{- $nats := or $values.nats.urls $values.nats.existingSecret }}
{{- if and $values.nats.urls $values.nats.existingSecret }}
{{- fail "nats.urls and nats.existingSecret: set one of them" }}
{{- end }}
{{- if eq $values.shape "party" }}
{{- if gt (int $values.party.replicas) 1 }}
{{- if not $values.database.existingSecret }}
{{- fail "party.replicas: several party-servers need a database: set database.existingSecret" }}
{{- end }}
{{- if not $nats }}
{{- fail "party.replicas: several party-servers need NATS: set nats.urls or nats.existingSecret" }}
{{- end }}
{{- end }}
{{- else }}
{{- if not $values.database.existingSecret }}
{{- fail "database.existingSecret: split needs a database" }}
{{- end }}
{{- if not $nats }}
{{- fail "nats.urls: split needs NATS: set nats.urls or nats.existingSecret" }}
{{- end }}
{{- end }}
{{- with $values.shutdown }}
{{- if lt (int .terminationGracePeriodSeconds) (add (int .preStopSeconds) (int .drainSeconds) 30) }}
{{- fail "shutdown.terminationGracePeriodSeconds: must be 30 more than preStopSeconds and drainSeconds together" }}
{{- end }}
{{- end }}
{{- end }}

{{/* One variable whose value is a key of a Secret. */}}
{{- define "fh.secretVariable" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end }}

{{/* A value as text; helm would write a million as 1e+06. */}}
{{- define "fh.text" -}}
{{- if kindIs "float64" . }}{{ printf "%.0f" . }}{{ else }}{{ toString . }}{{ end }}
{{- end }}

{{/* Properties are variables under their own names: those win over all other ways to set them. */}}
{{- define "fh.environment" -}}
{{- $root := .root }}
{{- $values := .root.Values }}
{{- $name := include "fh.name" .root }}
{{- $settings := dict
  "server.port" (include "fh.port" .)
  "monitor.port" 8701
  "server.gracePeriodInSeconds" $values.shutdown.drainSeconds
  "fh.log.format" "json"
}}
{{- if $values.nats.urls }}
{{- $_ := set $settings "nats.urls" (join "," $values.nats.urls) }}
{{- end }}
{{- if eq .role "dacha" }}
{{- $mr := printf "%s-mr-monitor:8701" $name }}
{{- if $values.cacheKeys.existingSecret }}
{{- $mr = printf "%s-mr:%s" $name (include "fh.port" (dict "role" "mr")) }}
{{- end }}
{{- $_ := set $settings "management-repository.url" (printf "http://%s" $mr) }}
{{- end }}
{{- if eq .role "edge" }}
{{- $_ := set $settings "dacha.url.default" (printf "http://%s-dacha:%s" $name (include "fh.port" (dict "role" "dacha"))) }}
{{- end }}
{{- /* Not merge, for which false and 0 are no values. */}}
{{- range $more := list $values.settings (get $values .role).settings }}
{{- range $property, $value := $more }}
{{- $_ := set $settings $property $value }}
{{- end }}
{{- end }}
{{- range $property, $value := $settings }}
- name: {{ $property }}
  value: {{ include "fh.text" $value | quote }}
{{- end }}
{{- with $values.nats.existingSecret }}
{{ include "fh.secretVariable" (dict "name" "nats.urls" "secret" . "key" "urls") }}
{{- end }}
{{- if has .role (list "party" "mr") }}
{{- with $values.database.existingSecret }}
{{- $secret := . }}
{{- range $key := list "url" "username" "password" }}
{{ include "fh.secretVariable" (dict "name" (printf "db.%s" $key) "secret" $secret "key" $key) }}
{{- end }}
{{- end }}
{{- end }}
{{- with $values.cacheKeys.existingSecret }}
{{- if eq $.role "mr" }}
{{ include "fh.secretVariable" (dict "name" "mr.dacha2.api-keys" "secret" . "key" "mr") }}
{{- else if eq $.role "dacha" }}
{{ include "fh.secretVariable" (dict "name" "dacha2.cache.api-key" "secret" . "key" "mr") }}
{{ include "fh.secretVariable" (dict "name" "fh.dacha.api-keys" "secret" . "key" "dacha") }}
{{- else if eq $.role "edge" }}
{{ include "fh.secretVariable" (dict "name" "dacha2.cache.api-key" "secret" . "key" "dacha") }}
{{- end }}
{{- end }}
{{- with (get $values .role).env }}
{{ toYaml . }}
{{- end }}
{{- end }}
