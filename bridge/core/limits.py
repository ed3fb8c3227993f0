"""Limits on what a record may contain. Input beyond them is invalid, counted and quarantined."""

MAX_RECORD_BYTES = 1024 * 1024  # the default of Kafka's own max.message.bytes
MAX_NESTING = 64  # a Debezium envelope in a CloudEvent needs 6
MAX_NAME_CHARACTERS = 1024  # of any text that the bridge passes on; Genesys names have 255 at most
MAX_CALLING_LISTS = 1000
MIN_INTERVAL = 0.1  # seconds; more often than ten times a second is nobody's wish
MAX_INTERVAL = 86_400  # a day
MAX_NUMBER = 2**53  # beyond it doubles, and so most JSON readers, are no longer exact
