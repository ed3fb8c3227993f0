{{/* The bridge's settings, as the chart reads them. Defaults that stand here are the bridge's own; a test compares them. */}}

{{/* Settings that name files, with their Secret or ConfigMap: the user's, over those that Strimzi makes. A YAML map of maps. */}}
{{- define "ocs-bridge.secretFiles" -}}
{{- $files := deepCopy (.Values.secretFiles | default dict) }}
{{- with .Values.strimzi.cluster }}
{{- $protocol := ((($.Values.config | default dict).kafka | default dict).security_protocol | default "PLAINTEXT") | upper }}
{{- $user := include "ocs-bridge.kafkaUser" $ }}
{{- $kafka := dict }}
{{- if contains "SSL" $protocol }}
{{- $_ := set $kafka "ssl_cafile" (dict "secret" (printf "%s-cluster-ca-cert" .) "key" "ca.crt") }}
{{- end }}
{{- if hasPrefix "SASL" $protocol }}
{{- $_ := set $kafka "sasl_password_file" (dict "secret" $user "key" "password") }}
{{- else if and (eq $protocol "SSL") (eq $.Values.strimzi.user.authentication "tls") }}
{{- $_ := set $kafka "ssl_certfile" (dict "secret" $user "key" "user.crt") }}
{{- $_ := set $kafka "ssl_keyfile" (dict "secret" $user "key" "user.key") }}
{{- end }}
{{- $_ := set $files "kafka" (merge (dict) ($files.kafka | default dict) $kafka) }}
{{- end }}
{{- toYaml $files }}
{{- end }}

{{/* (list "group" "setting" source): where in /etc/ocs-bridge the file is. The bridge reads *.yaml headers as YAML. */}}
{{- define "ocs-bridge.secretPath" -}}
{{- printf "secrets/%s.%s%s" (index . 0) (index . 1) (regexFind "\\.ya?ml$" (index . 2).key) }}
{{- end }}

{{- define "ocs-bridge.kafkaUser" -}}
{{- .Values.strimzi.user.name | default (include "ocs-bridge.fullname" .) }}
{{- end }}

{{/* The bridge's configuration file: `config` without what is null, and the files of `secretFiles`. YAML. */}}
{{- define "ocs-bridge.config" -}}
{{- $made := dict }}
{{- range $group, $settings := .Values.config }}
{{- if kindIs "map" $settings }}
{{- $kept := dict }}
{{- range $name, $value := $settings }}
{{- if not (kindIs "invalid" $value) }}
{{- $_ := set $kept $name $value }}
{{- end }}
{{- end }}
{{- $_ := set $made $group $kept }}
{{- else if not (kindIs "invalid" $settings) }}
{{- $_ := set $made $group $settings }}
{{- end }}
{{- end }}
{{- range $group, $settings := include "ocs-bridge.secretFiles" . | fromYaml }}
{{- range $setting, $source := $settings }}
{{- if $source }}
{{- $path := printf "/etc/ocs-bridge/%s" (include "ocs-bridge.secretPath" (list $group $setting $source)) }}
{{- $_ := set $made $group (merge (dict $setting $path) (get $made $group | default dict)) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and .Values.strimzi.cluster (hasPrefix "SASL" (dig "kafka" "security_protocol" "" $made | upper)) }}
{{- $scram := dict "sasl_mechanism" "SCRAM-SHA-512" "sasl_username" (include "ocs-bridge.kafkaUser" .) }}
{{- $_ := set $made "kafka" (merge (dict) $made.kafka $scram) }}
{{- end }}
{{- toYaml $made }}
{{- end }}

{{/* A duration (10, "10s", "1.5 m") in seconds. */}}
{{- define "ocs-bridge.seconds" -}}
{{- $text := toString . | trim }}
{{- $number := regexFind "^[0-9.]+(e[+-]?[0-9]+)?" $text | float64 }}
{{- $factor := get (dict "ms" 0.001 "s" 1.0 "m" 60.0 "h" 3600.0 "d" 86400.0) (regexFind "(ms|s|m|h|d)$" $text) | default 1.0 }}
{{- mulf $number $factor }}
{{- end }}

{{/* What the bridge may need from SIGTERM to its end: POSTs under way (drain_timeout + 1 s), the last checkpoint (less than
  drain_timeout), leaving the group (10 s), closing (about 7 s). */}}
{{- define "ocs-bridge.graceNeeded" -}}
{{- $drain := include "ocs-bridge.seconds" (dig "delivery" "drain_timeout" 10 (include "ocs-bridge.config" . | fromYaml)) | float64 | ceil | int }}
{{- add (mul 2 $drain) 20 }}
{{- end }}

{{- define "ocs-bridge.grace" -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds }}
{{- include "ocs-bridge.graceNeeded" . }}
{{- else }}
{{- .Values.terminationGracePeriodSeconds | int }}
{{- end }}
{{- end }}

{{- define "ocs-bridge.port" -}}
{{- dig "admin" "port" 9464 (include "ocs-bridge.config" . | fromYaml) | int }}
{{- end }}

{{- define "ocs-bridge.groupId" -}}
{{- dig "kafka" "group_id" "ocs-bridge" (include "ocs-bridge.config" . | fromYaml) }}
{{- end }}

{{/* A list, or text with commas, as a YAML list. */}}
{{- define "ocs-bridge.list" -}}
{{- if kindIs "slice" . }}
{{- toYaml . }}
{{- else }}
{{- $items := list }}
{{- range splitList "," (. | default "" | toString) }}
{{- with trim . }}
{{- $items = append $items . }}
{{- end }}
{{- end }}
{{- toYaml $items }}
{{- end }}
{{- end }}

{{- define "ocs-bridge.brokers" -}}
{{- include "ocs-bridge.list" (dig "kafka" "bootstrap_servers" "" (include "ocs-bridge.config" . | fromYaml)) }}
{{- end }}

{{- define "ocs-bridge.topics" -}}
{{- include "ocs-bridge.list" (dig "kafka" "topics" "" (include "ocs-bridge.config" . | fromYaml)) }}
{{- end }}

{{/* notifications.url, which may have OCS's name, at the top or among the notifications. */}}
{{- define "ocs-bridge.url" -}}
{{- $config := include "ocs-bridge.config" . | fromYaml }}
{{- $name := "campaigngroup-states-uri" }}
{{- dig "notifications" "url" "" $config | default (dig "notifications" $name "" $config) | default (get $config $name) }}
{{- end }}

{{/* false where notifications are switched off. */}}
{{- define "ocs-bridge.notifies" -}}
{{- $config := include "ocs-bridge.config" . | fromYaml }}
{{- $name := "send-campaigngroup-states" }}
{{- $all := list (dig "notifications" "enabled" true $config) (dig "notifications" $name true $config) (dig $name true $config) }}
{{- range $all }}
{{- if has (toString . | lower) (list "false" "no" "off" "0") }}false{{ end }}
{{- end }}
{{- end }}

{{/* Port of a URL. */}}
{{- define "ocs-bridge.urlPort" -}}
{{- $url := urlParse . }}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- end }}
