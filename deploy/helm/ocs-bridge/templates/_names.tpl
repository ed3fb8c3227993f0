{{/* Names and labels. */}}

{{- define "ocs-bridge.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* A StatefulSet's pods and the revisions of it get longer names: 52 is what is left of 63. */}}
{{- define "ocs-bridge.fullname" -}}
{{- $name := include "ocs-bridge.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "ocs-bridge.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ocs-bridge.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The user's labels can't replace those that selectors use. */}}
{{- define "ocs-bridge.labels" -}}
{{- $own := dict
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/version" (.Chart.AppVersion | quote | trimAll "\"" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/component" "bridge"
  "app.kubernetes.io/part-of" (include "ocs-bridge.name" .)
  "app.kubernetes.io/managed-by" .Release.Service }}
{{- $selectors := include "ocs-bridge.selectorLabels" . | fromYaml }}
{{- toYaml (merge (dict) $selectors (.Values.commonLabels | default dict) $own) }}
{{- end }}

{{/* Those of pods, without the chart's version: a new one of the chart alone rolls nothing. */}}
{{- define "ocs-bridge.podLabels" -}}
{{- toYaml (omit (include "ocs-bridge.labels" . | fromYaml) "helm.sh/chart" "app.kubernetes.io/managed-by") }}
{{- end }}

{{/* (dict "context" $ "name" "x" "labels" dict "annotations" dict "namespace" ""): metadata of an object. */}}
{{- define "ocs-bridge.metadata" -}}
{{- $annotations := merge (dict) (.annotations | default dict) (.context.Values.commonAnnotations | default dict) -}}
name: {{ .name | default (include "ocs-bridge.fullname" .context) }}
namespace: {{ .namespace | default .context.Release.Namespace }}
labels:
  {{- toYaml (merge (dict) (include "ocs-bridge.labels" .context | fromYaml) (.labels | default dict)) | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "ocs-bridge.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "ocs-bridge.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "ocs-bridge.image" -}}
{{- $image := .Values.image }}
{{- $repository := $image.repository | default .Chart.Name }}
{{- $registry := (.Values.global | default dict).imageRegistry | default $image.registry }}
{{- $name := ternary (printf "%s/%s" $registry $repository) $repository (ne ($registry | default "") "") }}
{{- if $image.digest }}
{{- printf "%s@%s" $name $image.digest }}
{{- else }}
{{- printf "%s:%s" $name ($image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* "true" where more than one pod can run. */}}
{{- define "ocs-bridge.several" -}}
{{- if .Values.autoscaling.type }}
{{- ternary "true" "" (gt (int .Values.autoscaling.maxReplicas) 1) }}
{{- else }}
{{- ternary "true" "" (or (kindIs "invalid" .Values.replicaCount) (gt (int .Values.replicaCount) 1)) }}
{{- end }}
{{- end }}
