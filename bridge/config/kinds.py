"""The types that settings are made of: what text each accepts, and how values are shown without their secrets."""

import json
import re
import urllib.parse
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError

from bridge.core.body import KEYS

MASK = "***"
HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}"  # RFC 9110, token
DURATION = r"^[0-9]+(\.[0-9]+)? ?(ms|s|m|h|d)$"
SIZE = r"^[0-9]+ ?([KMG]i?)?B$"
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SECRET_PROPERTY = re.compile(r"passw|secret|token|key|proxy", re.IGNORECASE)
_BYTES = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value may look like, in words, where its type does not say it."""

    words: str


def wrong(text: str) -> PydanticCustomError:
    """An error whose text goes into the list of problems; it must not quote the value."""
    return PydanticCustomError("setting", text)


def _seconds(value: object) -> object:
    if isinstance(value, str) and re.match(DURATION, value.strip()):
        number, unit = re.findall(r"[0-9.]+|[a-z]+", value)
        return round(float(number) * _SECONDS[unit], 6)
    return _number(value)


def _bytes(value: object) -> object:
    if isinstance(value, str) and re.match(SIZE, value.strip()):
        number, unit = re.findall(r"[0-9]+|[A-Za-z]+", value)
        return int(number) * _BYTES[unit.removesuffix("B")]
    return _number(value)


def _number(value: object) -> object:
    """Refuse what pydantic would take for a number: `true` is 1 to it. Whole numbers may come as text."""
    if isinstance(value, bool):
        raise wrong("not a number")
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value.strip()) else value


def _list(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return _json(value)
    return [part.strip() for part in value.split(",") if part.strip()]


def _map(value: object) -> object:
    return _json(value) if isinstance(value, str) else value


def _json(value: str) -> object:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise wrong("not valid JSON") from None


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _url(url: str) -> str:
    if re.search(r"[^\x21-\x7e]", url):
        raise wrong("has blanks, control or non-ASCII characters (percent-encode them)")
    try:
        parts = urllib.parse.urlsplit(url)
        absolute = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise wrong("not a URL (host or port)") from None
    if "@" in parts.netloc:
        raise wrong(
            "has a user or password in it: use http.bearer_token_file, http.headers_file or http.headers instead"
        )
    if not absolute:
        raise wrong("not an absolute http:// or https:// URL")
    if "#" in url:
        raise wrong("has a fragment (#...): receivers never see it")
    return url


def _proxy(url: str) -> str:
    if not re.fullmatch(r"http://([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?/?", url):
        raise wrong("not the http:// URL of a proxy, with host and port only (a password for it can't be given)")
    return _url(url)


def _pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        raise wrong("not a regular expression") from None
    return pattern


def _header_name(name: str) -> str:
    if not re.fullmatch(HEADER_NAME, name):
        raise wrong("not a header name")
    return name


def _member(key: str) -> str:
    if key in KEYS:
        raise wrong("the key of another field of the notification")
    return key


_list_or_text, _map_or_json = "a list, or text with commas, of ", "a map (JSON in the environment) of "
_broker = Annotated[str, Field(pattern=r"^([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}$")]
_state = Annotated[int, BeforeValidator(_number), Field(ge=0, le=5)]

Seconds = Annotated[float, BeforeValidator(_seconds), Kind("seconds")]
Bytes = Annotated[int, BeforeValidator(_bytes), Kind("bytes")]
Whole = Annotated[int, BeforeValidator(_number)]
NumberWord = BeforeValidator(_number)  # for literals that are numbers
UpperWord = BeforeValidator(_upper)
LowerWord = BeforeValidator(_lower)
Protocol = Annotated[Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], UpperWord]
Mechanism = Annotated[Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], UpperWord]
Level = Annotated[Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"], UpperWord]
Url = Annotated[
    str, AfterValidator(_url), Kind("an absolute http:// or https:// URL without user, password or fragment")
]
Proxy = Annotated[str, AfterValidator(_proxy), Kind("an http:// URL with host and port only")]
Pattern = Annotated[str, Field(max_length=1000), AfterValidator(_pattern), Kind("a regular expression")]
HeaderName = Annotated[str, AfterValidator(_header_name), Kind("a header name")]
UserAgent = Annotated[str, Field(pattern=r"^[!-~]([ -~]{0,254}[!-~])?$"), Kind("printable ASCII text")]
Member = Annotated[
    str,
    Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$"),
    AfterValidator(_member),
    Kind("letters, digits, `_`, `-`, `.`"),
]
Topic = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$"), Kind("a topic name")]
Profile = Annotated[
    str, Field(min_length=1, max_length=4096), Kind("a preset, a YAML file's path, or cloudevents+<preset>")
]
Brokers = Annotated[list[_broker], BeforeValidator(_list), Kind(_list_or_text + "host:port")]
Topics = Annotated[list[Topic], BeforeValidator(_list), Kind(_list_or_text + "topic names")]
States = Annotated[list[_state], BeforeValidator(_list), Kind(_list_or_text + "numbers 0 to 5")]
_label = Literal[
    "tenant", "tenant_ccid", "campaign_group", "campaign_group_guid", "campaign_group_dbid", "group", "campaign"
]
Labels = Annotated[list[_label], BeforeValidator(_list), Kind(_list_or_text + ", ".join(get_args(_label)))]
_key = Annotated[str, Field(min_length=1, max_length=2048)]
_interval = Annotated[Seconds, Field(ge=0, le=86_400, allow_inf_nan=False)]
Keys = Annotated[list[_key], BeforeValidator(_list), Kind(_list_or_text + "keys of campaign groups")]
Intervals = Annotated[
    dict[_key, _interval],
    BeforeValidator(_map),
    Kind(_map_or_json + "keys of campaign groups to seconds (0 to 86400, or text such as 10s)"),
]
Headers = Annotated[dict[str, SecretStr], BeforeValidator(_map), Kind(_map_or_json + "header names to texts")]
Profiles = Annotated[dict[Topic, Profile], BeforeValidator(_map), Kind(_map_or_json + "topics to profiles")]
Properties = Annotated[
    dict[str, str | int | float | bool | None],
    BeforeValidator(_map),
    Kind(_map_or_json + "option names to text, number, true, false or null"),
]
Text = Annotated[str, Field(min_length=1, max_length=255)]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=65_536)]


def setting(default: object, example: object = None, **limits: Any) -> Any:
    """Declare a setting; the text below it is its meaning. `example` where the default is none; `ge`, `le` as bounds."""
    if isinstance(default, float):
        limits["allow_inf_nan"] = False
    return Field(default, examples=None if example is None else [example], **limits)


def mask_url(text: str) -> str:
    """Hide what may be secret in a URL, even a malformed one: all before the last `@`, query and fragment."""
    text = re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", rf"\g<1>{MASK}@", text, flags=re.DOTALL)
    return re.sub(r"([?#]).*", rf"\g<1>{MASK}", text, flags=re.DOTALL)


def _mask_map(value: object, hide: re.Pattern[str]) -> object:
    """Mask the values of names that `hide` finds, and names that are none (a whole header line may be put there)."""
    if not isinstance(value, dict):
        return MASK
    plain = {str(name): item for name, item in value.items() if re.fullmatch(r"[\w.-]{1,128}", str(name))}
    return {name: MASK if hide.search(name) else item for name, item in plain.items()}


def masked(name: str, value: object) -> object:
    """The value of the setting `name` (without its group) as it may be shown to anyone."""
    if value is None:
        return None
    if name in {"sasl_password", "bearer_token"}:
        return MASK
    if name == "headers":
        return _mask_map(value, re.compile(""))
    if name == "properties":
        return _mask_map(value, _SECRET_PROPERTY)
    return mask_url(value) if name == "url" and isinstance(value, str) else value


class Group(BaseModel):
    """One group of settings: unknown keys are errors, values do not change after start, `repr` shows no secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    def __repr_args__(self) -> Any:
        for name, value in super().__repr_args__():
            yield name, masked(name, value) if name and value else value
