{{/* What runs: the pod of one role. */}}

{{- define "fh.probe" -}}
httpGet:
  path: /health/{{ .path }}
  port: monitor
{{ toYaml .timing }}
{{- end }}

{{- define "fh.pod" -}}
{{- $values := .root.Values }}
{{- $role := get $values .role -}}
metadata:
  labels: {{- include "fh.labels" . | nindent 4 }}
  {{- with $role.podAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  automountServiceAccountToken: false
  # A Service named `server` would set SERVER_PORT.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ $values.shutdown.terminationGracePeriodSeconds }}
  securityContext: {{- toYaml $values.podSecurityContext | nindent 4 }}
  {{- with $values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: fh
      image: {{ include "fh.image" .root | quote }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: [{{ include "fh.command" . }}]
      env: {{- include "fh.environment" . | trim | nindent 8 }}
      ports:
        - name: http
          containerPort: {{ include "fh.port" . }}
        - name: monitor
          containerPort: 8701
      {{- /*
      A party-server without its database is not ready, and yet serves SDKs what it knows. So it has
      to be ready once, and from then on no more than to live. The other roles stay ready.
      */}}
      {{- $party := eq .role "party" }}
      startupProbe: {{- include "fh.probe" (dict "path" (ternary "readiness" "liveness" $party) "timing" $values.probes.startup) | nindent 8 }}
      livenessProbe: {{- include "fh.probe" (dict "path" "liveness" "timing" $values.probes.liveness) | nindent 8 }}
      readinessProbe: {{- include "fh.probe" (dict "path" (ternary "liveness" "readiness" $party) "timing" $values.probes.readiness) | nindent 8 }}
      lifecycle:
        preStop:
          sleep:
            seconds: {{ $values.shutdown.preStopSeconds }}
      resources: {{- toYaml $role.resources | nindent 8 }}
      securityContext: {{- toYaml $values.securityContext | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        - name: data
          mountPath: /data
  volumes:
    - name: tmp
      emptyDir: {medium: Memory, sizeLimit: 64Mi}
    {{- if not (and (eq .role "party") (include "fh.embedded" .root)) }}
    - name: data
      emptyDir: {sizeLimit: 16Mi}
    {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "fh.selector" . | nindent 10 }}
  {{- with $role.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $role.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $role.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
