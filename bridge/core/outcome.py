"""What can become of a record and of a POST: closed sets, which are also the labels of the metrics."""

from enum import StrEnum


class Invalid(StrEnum):
    """Why a record is no event: the reason of its quarantine."""

    TOO_LARGE = "too_large"
    BAD_UTF8 = "bad_utf8"
    BAD_JSON = "bad_json"
    SCHEMA_REGISTRY = "schema_registry"  # framed by a serializer of Confluent's: the magic byte 0 and a schema's number
    NOT_AN_OBJECT = "not_an_object"
    TOO_DEEP = "too_deep"
    TOO_LONG = "too_long"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_WORD = "unknown_word"
    BAD_NUMBER = "bad_number"
    NEGATIVE = "negative"
    BAD_TIME = "bad_time"


class Skip(StrEnum):
    """Why a valid record is done without a notification and without being merged as statistics."""

    TOMBSTONE = "tombstone"
    NOT_SELECTED = "not_selected"  # another event type on the same topic
    PASSED_OVER = "passed_over"  # its profile maps the word of its state, or of its kind, to null
    ALREADY_DONE = "already_done"  # posted before a restart, as the commit's metadata says; merged only
    UNKNOWN = "unknown"  # at_most_once: a crash left open whether it was posted; merged only
    TOO_OLD = "too_old"  # older than delivery.max_age; merged only
    REPEATED = "repeated"  # delivery.drop_repeats: its group had an event of that id already
    DISABLED = "disabled"  # notifications.enabled is false


class Return(StrEnum):
    """Why a record was handed back undone: the next owner of its partition has it."""

    REVOKED = "revoked"
    LOST = "lost"
    STOPPED = "stopped"
    LEASE = "lease"  # while it was revoked, or stopped: its POST was not begun, as the lease had run out


class Drop(StrEnum):
    """Why a periodic notification that was due is not attempted. It is not caught up."""

    SUPERSEDED = "superseded"  # it still waited when the next one was due
    INACTIVE = "inactive"  # unloaded, switched off or not heard of since the input grew, when its turn came
    STARTING = "starting"  # taken over, and what waited in Kafka is not read yet: it may tell of an unload
    REVOKED = "revoked"  # the partition was given up, or lost
    STOPPED = "stopped"
    LEASE = "lease"  # the bridge may no longer own the partition
    CLOCK = "clock"  # the wall clock jumped over it


class Result(StrEnum):
    """What is known of a POST after its only attempt."""

    DELIVERED = "delivered"  # 2xx
    REJECTED = "rejected"  # an answer outside 2xx
    NOT_SENT = "not_sent"  # nothing of the request can have reached the receiver
    AMBIGUOUS = "ambiguous"  # it may have


class Reason(StrEnum):
    """What decided a Result."""

    STATUS_2XX = "2xx"
    STATUS_1XX = "1xx"
    STATUS_3XX = "3xx"
    STATUS_4XX = "4xx"
    STATUS_5XX = "5xx"
    DNS = "dns"
    CONNECT = "connect"  # refused, unreachable
    CONNECT_TIMEOUT = "connect_timeout"
    TLS = "tls"
    POOL = "pool"  # no connection to be had before the deadline
    TOKEN = "token"  # noqa: S105 (a reason, not a secret): the bearer token could not be read
    LEASE = "lease"  # the bridge may no longer own the partition: seen just before the write
    WRITE = "write"  # broke while the request was written
    WRITE_TIMEOUT = "write_timeout"
    READ_TIMEOUT = "read_timeout"
    RESET = "reset"  # closed or reset before an answer
    PROTOCOL = "protocol"  # the answer is not HTTP
    CUT = "cut"  # given up by the bridge: drain_timeout ran out


#: Which reasons each Result can have: the label sets that exist from the start.
REASONS: dict[Result, tuple[Reason, ...]] = {
    Result.DELIVERED: (Reason.STATUS_2XX,),
    Result.REJECTED: (Reason.STATUS_1XX, Reason.STATUS_3XX, Reason.STATUS_4XX, Reason.STATUS_5XX),
    Result.NOT_SENT: (
        Reason.DNS,
        Reason.CONNECT,
        Reason.CONNECT_TIMEOUT,
        Reason.TLS,
        Reason.POOL,
        Reason.TOKEN,
        Reason.LEASE,
        Reason.CUT,
    ),
    Result.AMBIGUOUS: (
        Reason.WRITE,
        Reason.WRITE_TIMEOUT,
        Reason.READ_TIMEOUT,
        Reason.RESET,
        Reason.PROTOCOL,
        Reason.CUT,
    ),
}


class InvalidEvent(Exception):
    """A record that can't be made into an event: data, not a defect of the bridge.

    `field` is the event's field (or the path in the record) at fault, `detail` says what was found, without the
    value's text when that may be long or private.
    """

    def __init__(self, reason: Invalid, field: str = "", detail: str = "") -> None:
        super().__init__(f"{reason.value}: {field}: {detail}" if field else f"{reason.value}: {detail}")
        self.reason = reason
        self.field = field
        self.detail = detail


class Commit(StrEnum):
    """What became of a commit."""

    DONE = "done"
    RETRIABLE = "retriable"  # an outage, or a rebalance under way: the same again later
    LOST = "lost"  # this member's generation is over: its partitions are another's
    REFUSED = "refused"  # not permitted, or malformed: the same again would fail again
    TIMEOUT = "timeout"  # nobody answered; it may have been done


class Unavailable(Exception):
    """Kafka did not answer, or refused; the text says what was seen. Try again."""


class StateTopicError(Exception):
    """The state topic can't be used as it is; the text says what is wrong and the command that mends it."""
