{{/* The pod of Deployment and StatefulSet, and what `helm test` shares with it. */}}

{{/* The settings and all files they name. No subPath: so a changed Secret arrives in a running pod. */}}
{{- define "ocs-bridge.settingsVolume" -}}
name: settings
projected:
  defaultMode: 0440
  sources:
    - configMap:
        name: {{ include "ocs-bridge.fullname" . }}
        items:
          - {key: bridge.yaml, path: bridge.yaml}
          {{- range $name, $_ := .Values.files }}
          - {key: {{ printf "file.%s" $name | quote }}, path: {{ printf "files/%s" $name | quote }}}
          {{- end }}
    {{- range $group, $settings := include "ocs-bridge.secretFiles" . | fromYaml }}
    {{- range $setting, $source := $settings }}
    {{- if $source }}
    - {{ ternary "secret" "configMap" (hasKey $source "secret") }}:
        name: {{ $source.secret | default $source.configMap | quote }}
        items:
          - key: {{ $source.key | quote }}
            path: {{ include "ocs-bridge.secretPath" (list $group $setting $source) | quote }}
    {{- end }}
    {{- end }}
    {{- end }}
{{- end }}

{{/* Environment: the user's replaces the chart's. A name given twice is lost in silence by some Helms, refused by others. */}}
{{- define "ocs-bridge.env" -}}
{{- $env := list }}
{{- $taken := list }}
{{- range .Values.extraEnv }}
{{- $taken = append $taken .name }}
{{- end }}
{{- if and (eq .Values.workload.kind "StatefulSet") (not (has "BRIDGE_KAFKA__GROUP_INSTANCE_ID" $taken)) }}
{{- $ref := dict "fieldRef" (dict "apiVersion" "v1" "fieldPath" "metadata.name") }}
{{- $env = append $env (dict "name" "BRIDGE_KAFKA__GROUP_INSTANCE_ID" "valueFrom" $ref) }}
{{- end }}
{{- range .Values.extraEnv }}
{{- $env = append $env . }}
{{- end }}
{{- if $env }}
{{- tpl (toYaml $env) . }}
{{- end }}
{{- end }}

{{- define "ocs-bridge.mounts" -}}
- {name: settings, mountPath: /etc/ocs-bridge, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- with .Values.extraVolumeMounts }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}

{{- define "ocs-bridge.volumes" -}}
- {{ include "ocs-bridge.settingsVolume" . | indent 2 | trim }}
- name: tmp
  emptyDir:
    {{- toYaml .Values.tmp | nindent 4 }}
{{- with .Values.extraVolumes }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}

{{- define "ocs-bridge.pullSecrets" -}}
{{- with .Values.imagePullSecrets | default (.Values.global | default dict).imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "ocs-bridge.container" -}}
name: bridge
image: {{ include "ocs-bridge.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [run, --config, /etc/ocs-bridge/bridge.yaml
  {{- range .Values.extraArgs }}, {{ tpl . $ | quote }}{{ end }}]
{{- with include "ocs-bridge.env" . }}
env:
  {{- . | nindent 2 }}
{{- end }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- tpl (toYaml .) $ | nindent 2 }}
{{- end }}
ports:
  - name: metrics
    containerPort: {{ include "ocs-bridge.port" . }}
    protocol: TCP
{{- range $name, $probe := dict "startupProbe" .Values.probes.startup "livenessProbe" .Values.probes.liveness "readinessProbe" .Values.probes.readiness }}
{{- with $probe }}
{{ $name }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with .Values.lifecycle }}
lifecycle:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  {{- include "ocs-bridge.mounts" . | nindent 2 }}
{{- end }}

{{/* A selector where there is none. */}}
{{- define "ocs-bridge.spread" -}}
{{- $selector := dict "labelSelector" (dict "matchLabels" (include "ocs-bridge.selectorLabels" . | fromYaml)) }}
{{- $constraints := list }}
{{- range .Values.topologySpreadConstraints }}
{{- $constraints = append $constraints (merge (dict) . (ternary (dict) $selector (hasKey . "labelSelector"))) }}
{{- end }}
{{- toYaml $constraints }}
{{- end }}

{{- define "ocs-bridge.podTemplate" -}}
{{- $checksums := dict "checksum/config" (include "ocs-bridge.configData" . | sha256sum) }}
{{- with .Values.rolloutToken }}
{{- $_ := set $checksums "ocs-bridge/rollout-token" (toString .) }}
{{- end -}}
metadata:
  labels:
    {{- toYaml (merge (dict) (include "ocs-bridge.podLabels" . | fromYaml) (.Values.podLabels | default dict)) | nindent 4 }}
  annotations:
    {{- toYaml (merge (dict) $checksums (.Values.podAnnotations | default dict) (.Values.commonAnnotations | default dict)) | nindent 4 }}
spec:
  {{- with include "ocs-bridge.pullSecrets" . }}
  {{- . | nindent 2 }}
  {{- end }}
  serviceAccountName: {{ include "ocs-bridge.serviceAccountName" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "ocs-bridge.grace" . }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  {{- range $field := list "nodeSelector" "affinity" "tolerations" "hostAliases" "dnsConfig" }}
  {{- with get $.Values $field }}
  {{ $field }}:
    {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- range $field := list "priorityClassName" "runtimeClassName" "schedulerName" "dnsPolicy" }}
  {{- with get $.Values $field }}
  {{ $field }}: {{ . | quote }}
  {{- end }}
  {{- end }}
  {{- if .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- include "ocs-bridge.spread" . | nindent 4 }}
  {{- end }}
  {{- with .Values.initContainers }}
  initContainers:
    {{- tpl (toYaml .) $ | nindent 4 }}
  {{- end }}
  containers:
    - {{ include "ocs-bridge.container" . | indent 6 | trim }}
    {{- with .Values.extraContainers }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "ocs-bridge.volumes" . | nindent 4 }}
{{- end }}
