{{/* What a schema can't say. All problems at once, before anything is installed. */}}
{{- define "ocs-bridge.validate" -}}
{{- $config := include "ocs-bridge.config" . | fromYaml }}
{{- $problems := list }}

{{- if include "ocs-bridge.absent" (list $ "kafka" "bootstrap_servers") }}
{{- $problems = append $problems "config.kafka.bootstrap_servers is missing: the brokers to ask first, such as kafka-1:9092,kafka-2:9092" }}
{{- end }}
{{- range include "ocs-bridge.brokers" . | fromYamlArray }}
{{- if not (regexMatch ":[0-9]+$" .) }}
{{- $problems = append $problems (printf "config.kafka.bootstrap_servers: %q has no port; host:port, such as kafka-1:9092" .) }}
{{- end }}
{{- end }}
{{- $topics := include "ocs-bridge.topics" . | fromYamlArray }}
{{- $pattern := dig "kafka" "topic_pattern" "" $config }}
{{- if and (include "ocs-bridge.absent" (list $ "kafka" "topics")) (include "ocs-bridge.absent" (list $ "kafka" "topic_pattern")) }}
{{- $problems = append $problems "config.kafka.topics is missing: the input topics, such as campaign-group-events (or config.kafka.topic_pattern)" }}
{{- else if and $topics $pattern }}
{{- $problems = append $problems "config.kafka.topics and config.kafka.topic_pattern: exactly one of both" }}
{{- end }}
{{- if and (include "ocs-bridge.absent" (list $ "notifications" "url")) (not (or (include "ocs-bridge.url" .) (include "ocs-bridge.notifies" .))) }}
{{- $problems = append $problems "config.notifications.url is missing: where notifications are POSTed, such as https://receiver.example.com/campaign-groups (or config.notifications.enabled: false)" }}
{{- end }}

{{- range $group, $setting := dict "kafka" "sasl_password" "http" "bearer_token" }}
{{- if dig $group $setting "" $config }}
{{- $problems = append $problems (printf "config.%s.%s would be readable in a ConfigMap: put it into a Secret and name that in secretFiles.%s.%s_file: {secret: NAME, key: KEY}" $group $setting $group $setting) }}
{{- end }}
{{- end }}
{{- range $group, $settings := .Values.secretFiles }}
{{- range $setting, $source := $settings }}
{{- if and $source (dig $group $setting "" ($.Values.config | default dict)) }}
{{- $problems = append $problems (printf "secretFiles.%s.%s and config.%s.%s: exactly one of both" $group $setting $group $setting) }}
{{- end }}
{{- end }}
{{- end }}
{{- $protocol := dig "kafka" "security_protocol" "PLAINTEXT" $config | upper }}
{{- if hasPrefix "SASL" $protocol }}
{{- if and (include "ocs-bridge.absent" (list $ "kafka" "sasl_password_file")) (include "ocs-bridge.absent" (list $ "kafka" "sasl_password")) }}
{{- $problems = append $problems (printf "config.kafka.security_protocol is %s, but there is no password: secretFiles.kafka.sasl_password_file: {secret: NAME, key: KEY}" $protocol) }}
{{- end }}
{{- if include "ocs-bridge.absent" (list $ "kafka" "sasl_username") }}
{{- $problems = append $problems (printf "config.kafka.security_protocol is %s, but config.kafka.sasl_username is missing" $protocol) }}
{{- end }}
{{- end }}
{{- range $pair := list (list "kafka" "ssl_certfile" "ssl_keyfile") (list "http" "cert_file" "key_file") }}
{{- if ne (include "ocs-bridge.absent" (list $ (index $pair 0) (index $pair 1))) (include "ocs-bridge.absent" (list $ (index $pair 0) (index $pair 2))) }}
{{- $problems = append $problems (printf "secretFiles.%s: %s and %s go together" (index $pair 0) (index $pair 1) (index $pair 2)) }}
{{- end }}
{{- end }}
{{- if eq (dig "admin" "port" 9464 $config | int) 0 }}
{{- $problems = append $problems "config.admin.port is 0 (any): probes and Prometheus must know it" }}
{{- end }}
{{- range concat (include "ocs-bridge.brokenTimes" . | fromYamlArray) (include "ocs-bridge.brokenIntervals" . | fromYamlArray) }}
{{- $problems = append $problems . }}
{{- end }}

{{- if lt (include "ocs-bridge.grace" . | int) (include "ocs-bridge.graceNeeded" . | int) }}
{{- $problems = append $problems (printf "terminationGracePeriodSeconds is %s, but a stop may need %s s (2 x config.delivery.drain_timeout + 20): leave it null, or lower drain_timeout" (include "ocs-bridge.grace" .) (include "ocs-bridge.graceNeeded" .)) }}
{{- end }}
{{- $stateful := eq .Values.workload.kind "StatefulSet" }}
{{- if and (not $stateful) (dig "kafka" "group_instance_id" "" $config) }}
{{- $problems = append $problems "config.kafka.group_instance_id: all pods of a Deployment would have the same and fence each other; workload.kind: StatefulSet gives each its own" }}
{{- end }}
{{- if dig "delivery" "transactional_id" "" $config }}
{{- $problems = append $problems "config.delivery.transactional_id: all pods would have the same and fence each other; leave it out (group, host name and a random part)" }}
{{- end }}
{{- if and $stateful (lt (include "ocs-bridge.times" . | fromYaml).kafka.session_timeout 30.0) }}
{{- $problems = append $problems "workload.kind is StatefulSet, but config.kafka.session_timeout is below 30 s: a restart of a pod would not fit into it, so static membership gives nothing" }}
{{- end }}

{{- $names := list }}
{{- range .Values.extraEnv }}
{{- if has .name $names }}
{{- $problems = append $problems (printf "extraEnv: %s is there twice" .name) }}
{{- end }}
{{- $names = append $names .name }}
{{- end }}
{{- range $kind, $all := dict "extraVolumes" (list .Values.extraVolumes (list "settings" "tmp")) "extraContainers" (list .Values.extraContainers (list "bridge")) }}
{{- range index $all 0 }}
{{- if has .name (index $all 1) }}
{{- $problems = append $problems (printf "%s: the name %s is taken by the chart" $kind .name) }}
{{- end }}
{{- end }}
{{- end }}
{{- range .Values.extraVolumeMounts }}
{{- if has (.mountPath | trimSuffix "/") (list "/etc/ocs-bridge" "/tmp") }}
{{- $problems = append $problems (printf "extraVolumeMounts: %s is taken by the chart" .mountPath) }}
{{- end }}
{{- end }}

{{- with .Values.autoscaling }}
{{- if and .type (gt (int .minReplicas) (int .maxReplicas)) }}
{{- $problems = append $problems (printf "autoscaling: minReplicas %d is more than maxReplicas %d" (int .minReplicas) (int .maxReplicas)) }}
{{- end }}
{{- if and (eq .type "hpa") (lt (int .minReplicas) 1) }}
{{- $problems = append $problems "autoscaling.minReplicas: an HPA has at least 1" }}
{{- end }}
{{- if and .type $stateful }}
{{- $problems = append $problems "autoscaling with workload.kind StatefulSet: a static member that is scaled away holds its partitions for config.kafka.session_timeout; use a Deployment" }}
{{- end }}
{{- end }}
{{- with .Values.monitoring }}
{{- if and .serviceMonitor.enabled .podMonitor.enabled }}
{{- $problems = append $problems "monitoring.serviceMonitor and monitoring.podMonitor: each pod would be scraped twice; enable one" }}
{{- end }}
{{- end }}
{{- with .Values.strimzi }}
{{- if and (or .user.create .topics) (not .cluster) }}
{{- $problems = append $problems "strimzi.cluster is missing: the name of the Kafka resource that user and topics belong to" }}
{{- end }}
{{- if and .user.create (eq .user.authentication "tls") (hasPrefix "SASL" $protocol) }}
{{- $problems = append $problems (printf "strimzi.user.authentication is tls, but config.kafka.security_protocol is %s: tls goes with SSL, scram-sha-512 with SASL_SSL" $protocol) }}
{{- end }}
{{- end }}
{{- if and .Values.istio.noRetry (not .Values.istio.hosts) (not (include "ocs-bridge.url" .)) }}
{{- $problems = append $problems "istio.hosts is missing: there is no config.notifications.url to take it from" }}
{{- end }}

{{- if $problems }}
{{- fail (printf "\n\n%d problem(s) in the values of %s:\n  - %s\n" (len $problems) .Chart.Name (join "\n  - " $problems)) }}
{{- end }}
{{- end }}
