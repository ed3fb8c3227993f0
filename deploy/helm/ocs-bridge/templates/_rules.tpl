{{/* Rules between settings, those of bridge/config/checks.py: a pod that ends with code 78 says them too late. A test compares. */}}

{{/* (list $ "group" "setting"): "true" where neither `config` nor a variable has it. What extraEnvFrom has can't be seen. */}}
{{- define "ocs-bridge.absent" -}}
{{- $values := (index . 0).Values }}
{{- $variable := printf "BRIDGE_%s__%s" (index . 1 | upper) (index . 2 | upper) }}
{{- $absent := and (not $values.extraEnvFrom) (not (dig (index . 1) (index . 2) "" (include "ocs-bridge.config" (index . 0) | fromYaml))) }}
{{- range $values.extraEnv }}
{{- $absent = and $absent (ne .name $variable) }}
{{- end }}
{{- ternary "true" "" $absent }}
{{- end }}

{{/* Times in seconds, as a YAML map. */}}
{{- define "ocs-bridge.times" -}}
{{- $config := include "ocs-bridge.config" . | fromYaml }}
{{- range $group, $defaults := dict
  "kafka" (dict "session_timeout" 45 "heartbeat_interval" 1 "max_poll_interval" 120)
  "http" (dict "timeout" 5 "connect_timeout" 2)
  "delivery" (dict "drain_timeout" 10) }}
{{ $group }}:
{{- range $name, $default := $defaults }}
  {{ $name }}: {{ include "ocs-bridge.seconds" (dig $group $name $default $config) }}
{{- end }}
{{- end }}
{{- end }}

{{/* What times break, as a YAML list of sentences. */}}
{{- define "ocs-bridge.brokenTimes" -}}
{{- $times := include "ocs-bridge.times" . | fromYaml }}
{{- $kafka := $times.kafka }}
{{- $timeout := $times.http.timeout }}
{{- $drain := $times.delivery.drain_timeout }}
{{- $broken := list }}
{{- range list
  (list (le (mulf 3 $kafka.heartbeat_interval) $kafka.session_timeout) (printf "config.kafka.heartbeat_interval is %v s, more than a third of config.kafka.session_timeout, %v s: one lost heartbeat would lose the partitions" $kafka.heartbeat_interval $kafka.session_timeout))
  (list (gt $kafka.session_timeout (addf $timeout 2)) (printf "config.kafka.session_timeout is %v s: it must be more than config.http.timeout, %v s, and 2 s, so that no POST outlives the ownership of its partition" $kafka.session_timeout $timeout))
  (list (le (addf $timeout 2) $drain) (printf "config.http.timeout is %v s, but config.delivery.drain_timeout %v s: a stop would cut POSTs; it must be at least 2 s more" $timeout $drain))
  (list (le (mulf 2 $drain) $kafka.max_poll_interval) (printf "config.delivery.drain_timeout is %v s, more than half of config.kafka.max_poll_interval, %v s: the rest is for the last checkpoint" $drain $kafka.max_poll_interval))
  (list (le $times.http.connect_timeout $timeout) (printf "config.http.connect_timeout is %v s, more than config.http.timeout, %v s, of which it is a part" $times.http.connect_timeout $timeout)) }}
{{- if not (first .) }}
{{- $broken = append $broken (last .) }}
{{- end }}
{{- end }}
{{- toYaml $broken }}
{{- end }}

{{/* What intervals and labels break, as a YAML list of sentences. */}}
{{- define "ocs-bridge.brokenIntervals" -}}
{{- $config := include "ocs-bridge.config" . | fromYaml }}
{{- $broken := list }}
{{- $intervals := dict "interval" (dig "notifications" "interval" 10 $config) }}
{{- range $key, $interval := dig "notifications" "intervals" (dict) $config }}
{{- $_ := set $intervals (printf "intervals[%s]" $key) $interval }}
{{- end }}
{{- range $name, $interval := $intervals }}
{{- $seconds := include "ocs-bridge.seconds" $interval | float64 }}
{{- if and (gt $seconds 0.0) (lt $seconds 0.1) }}
{{- $broken = append $broken (printf "config.notifications.%s is %v s: 0 (none), or at least 0.1 s" $name $seconds) }}
{{- end }}
{{- end }}
{{- $labels := include "ocs-bridge.list" (dig "metrics" "labels" "tenant" $config) | fromYamlArray }}
{{- if or (not $labels) (ne (len $labels) (len (uniq $labels))) }}
{{- $broken = append $broken "config.metrics.labels: each label may be there once, and at least one" }}
{{- end }}
{{- toYaml $broken }}
{{- end }}
