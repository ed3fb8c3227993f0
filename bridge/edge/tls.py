"""SSL contexts from the settings. What is wrong with a file is told with the name of the setting that gave it."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bridge.connections import HttpSettings, KafkaSettings


class TlsFileError(Exception):
    """A file that a setting names can't be used: `setting` as in http.ca_file, its `path`, and `why`."""

    def __init__(self, setting: str, path: Path, why: str) -> None:
        super().__init__(f"{setting}: {path}: {why}")
        self.setting = setting
        self.path = path
        self.why = why


@dataclass(frozen=True, slots=True)
class Certificate:
    """The first certificate of a file: the only one a peer's name is checked on."""

    subject: str
    not_after: datetime  # UTC
    key_matches: bool | None  # None: no key file was asked about


@dataclass(frozen=True, slots=True)
class _Files:
    """The names of three settings and the paths they give."""

    ca: tuple[str, Path | None]
    cert: tuple[str, Path | None]
    key: tuple[str, Path | None]


def receiver_context(http: HttpSettings) -> ssl.SSLContext:
    """For the receiver: TLS 1.2 or newer; `http.ca_file` replaces the system's authorities. TlsFileError."""
    context = _context(_http_files(http))
    if not http.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def kafka_context(kafka: KafkaSettings) -> ssl.SSLContext | None:
    """For the brokers; None if `kafka.security_protocol` has no TLS. TlsFileError."""
    if kafka.security_protocol not in ("SSL", "SASL_SSL"):
        return None
    context = _context(_kafka_files(kafka))
    context.check_hostname = kafka.ssl_check_hostname
    return context


def file_problems(http: HttpSettings, kafka: KafkaSettings) -> list[TlsFileError]:
    """Everything that is wrong with the files of both, so that one start tells all of it."""
    files = [_http_files(http)]
    if kafka.security_protocol in ("SSL", "SASL_SSL"):
        files.append(_kafka_files(kafka))
    problems = []
    for each in files:
        for load in (_load_authorities, _load_identity):
            try:
                load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), each)
            except TlsFileError as problem:
                problems.append(problem)
    return problems


def certificate(setting: str, path: Path, key_file: Path | None = None) -> Certificate:
    """What `ocs-bridge check` tells of a certificate file; `setting` is named in the TlsFileError."""
    _require_certificate(setting, path)
    # The standard library's only decoder of a certificate that no peer has sent; in CPython since 2.6, for its tests.
    facts = ssl._ssl._test_decode_cert(str(path))  # type: ignore[attr-defined]  # noqa: SLF001
    not_after = datetime.fromtimestamp(ssl.cert_time_to_seconds(facts["notAfter"]), UTC)
    subject = ", ".join(f"{name}={value}" for relative in facts["subject"] for name, value in relative)
    return Certificate(subject, not_after, None if key_file is None else _key_matches(path, key_file))


def _http_files(http: HttpSettings) -> _Files:
    return _Files(("http.ca_file", http.ca_file), ("http.cert_file", http.cert_file), ("http.key_file", http.key_file))


def _kafka_files(kafka: KafkaSettings) -> _Files:
    return _Files(
        ("kafka.ssl_cafile", kafka.ssl_cafile),
        ("kafka.ssl_certfile", kafka.ssl_certfile),
        ("kafka.ssl_keyfile", kafka.ssl_keyfile),
    )


def _context(files: _Files) -> ssl.SSLContext:
    # PROTOCOL_TLS_CLIENT verifies the chain and the host's name unless told otherwise.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if files.ca[1] is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    _load_authorities(context, files)
    _load_identity(context, files)
    return context


def _load_authorities(context: ssl.SSLContext, files: _Files) -> None:
    setting, path = files.ca
    if path is None:
        return
    _require_certificate(setting, path)
    context.load_verify_locations(cafile=path)


def _load_identity(context: ssl.SSLContext, files: _Files) -> None:
    """The bridge's own certificate and key. A certificate's file may hold the key as well."""
    (cert_setting, cert), (key_setting, key) = files.cert, files.key
    if cert is None:
        if key is not None:
            raise TlsFileError(key_setting, key, f"a key without a certificate: {cert_setting} is not set")
        return None
    _require_certificate(cert_setting, cert)
    if key is None:
        where = f"; {key_setting} is not set"
        return _load_chain(context, cert, cert, lambda why: TlsFileError(cert_setting, cert, why + where))
    _require_readable(key_setting, key)
    return _load_chain(context, cert, key, lambda why: TlsFileError(key_setting, key, why))


def _load_chain(context: ssl.SSLContext, cert: Path, key: Path, problem: Callable[[str], TlsFileError]) -> None:
    def refuse() -> str:
        # Without this, OpenSSL would ask on the terminal and wait.
        raise problem("the key is encrypted; only keys without a passphrase can be used")

    try:
        context.load_cert_chain(cert, key, password=refuse)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise problem(f"the key does not belong to the certificate in {cert}") from None
        raise problem(f"no usable private key in PEM format ({error.reason or 'unreadable'})") from None


def _key_matches(cert: Path, key: Path) -> bool:
    """Whether they belong together; False also for a key that can't be read."""
    try:
        _load_chain(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), cert, key, lambda why: TlsFileError("", key, why))
    except (OSError, TlsFileError):
        return False
    return True


def _require_readable(setting: str, path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise TlsFileError(setting, path, error.strerror or type(error).__name__) from None


def _require_certificate(setting: str, path: Path) -> None:
    _require_readable(setting, path)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError as error:
        raise TlsFileError(setting, path, f"no certificate in PEM format ({error.reason or 'unreadable'})") from None
