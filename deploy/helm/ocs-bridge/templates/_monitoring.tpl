{{/* Thresholds of the alerts, which the dashboards draw too: numbers by name, as YAML. */}}

{{- define "ocs-bridge.thresholds" -}}
{{- $thresholds := merge (dict) .Values.monitoring.prometheusRule.thresholds }}
{{- if kindIs "invalid" (get $thresholds "inFlight" | default nil) }}
{{- $config := include "ocs-bridge.config" . | fromYaml }}
{{- $_ := set $thresholds "inFlight" (dig "http" "max_in_flight" 64 $config | mulf 0.95) }}
{{- end }}
{{- toYaml $thresholds }}
{{- end }}
