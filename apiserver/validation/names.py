"""Formats of single values, as field errors with upstream's messages."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from minikube_py.api import names
from minikube_py.api.errors import FieldError, field_invalid

NEGATIVE = "must be greater than or equal to 0"
NOT_POSITIVE = "must be greater than zero"
MAX_INT32 = 2**31 - 1

Check = Callable[[str], list[str]]

_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_PLAIN_CONFIG_KEY = re.compile(r"(?!\.)[-._a-zA-Z0-9]{1,253}")
_HTTP_HEADER = re.compile(r"[-A-Za-z0-9]+")
_PERCENT = re.compile(r"[0-9]+%")


def each_message(path: str, value: Any, messages: Iterable[str]) -> Iterator[FieldError]:
    """One ``Invalid value`` per message."""
    return (field_invalid(path, value, message) for message in messages)


def dns_label(path: str, value: str) -> Iterator[FieldError]:
    """A DNS-1123 label: up to 63 lower-case letters, digits and inner hyphens."""
    return each_message(path, value, names.dns1123_label(value))


def dns_subdomain(path: str, value: str) -> Iterator[FieldError]:
    """A DNS-1123 subdomain: labels joined by dots, up to 253 characters."""
    return each_message(path, value, names.dns1123_subdomain(value))


def qualified_name(path: str, value: str) -> Iterator[FieldError]:
    """``[prefix/]name``, as label keys, resource names and finalizers are."""
    return each_message(path, value, names.qualified_name(value))


def label_value(path: str, value: str) -> Iterator[FieldError]:
    """A label's value."""
    return each_message(path, value, names.label_value(value))


def path_segment(value: str) -> list[str]:
    """Messages about a name that only has to fit into a URL path, as RBAC's."""
    messages = [f"may not be '{name}'" for name in (".", "..") if value == name]
    return messages + [f"may not contain '{character}'" for character in "/%" if character in value]


def in_range(path: str, value: int, low: int, high: int) -> Iterator[FieldError]:
    """A number between two bounds, both included."""
    if not low <= value <= high:
        yield field_invalid(path, value, f"must be between {low} and {high}, inclusive")


def non_negative(path: str, value: int | None) -> Iterator[FieldError]:
    """A number that is 0 or more; None is fine."""
    if value is not None and value < 0:
        yield field_invalid(path, value, NEGATIVE)


def port_number(path: str, value: int) -> Iterator[FieldError]:
    """A port between 1 and 65535."""
    return in_range(path, value, 1, 65535)


def port_name_messages(value: str) -> list[str]:
    """Messages about an IANA service name."""
    messages = []
    if len(value) > 15:
        messages.append("must be no more than 15 characters")
    if not re.fullmatch(r"[-a-z0-9]+", value):
        messages.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search(r"[a-z]", value):
        messages.append("must contain at least one letter (a-z)")
    if "--" in value:
        messages.append("must not contain consecutive hyphens")
    if value and (value[0] == "-" or value[-1] == "-"):
        messages.append("must not begin or end with a hyphen")
    return messages


def port_number_or_name(path: str, value: int | str | None) -> Iterator[FieldError]:
    """A port given by number or by name; absent counts as the number 0."""
    if isinstance(value, str):
        yield from each_message(path, value, port_name_messages(value))
    else:
        yield from port_number(path, value or 0)


def environment_name(path: str, value: str) -> Iterator[FieldError]:
    """The name of an environment variable: printable ASCII but ``=``."""
    if not all(character.isascii() and character.isprintable() and character != "=" for character in value):
        detail = "a valid environment variable name must consist only of printable ASCII characters other than '='"
        yield field_invalid(path, value, detail)


def are_plain_config_keys(values: Iterable[str]) -> bool:
    """Whether all are config keys beyond doubt, which is asked first because a ConfigMap may have a great many."""
    return all(map(_PLAIN_CONFIG_KEY.fullmatch, values))


def config_key(path: str, value: str) -> Iterator[FieldError]:
    """A key of a ConfigMap or Secret, which is also a file's name."""
    messages = []
    if len(value) > 253:
        messages.append("must be no more than 253 characters")
    if not _CONFIG_KEY.fullmatch(value):
        messages.append(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
            "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
        )
    if value in (".", ".."):
        messages.append(f"must not be '{value}'")
    elif value.startswith(".."):
        messages.append("must not start with '..'")
    return each_message(path, value, messages)


def http_header_name(path: str, value: str) -> Iterator[FieldError]:
    """The name of an HTTP header."""
    if not _HTTP_HEADER.fullmatch(value):
        detail = (
            "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for "
            "validation is '[-A-Za-z0-9]+')"
        )
        yield field_invalid(path, value, detail)


def percent(path: str, value: str) -> Iterator[FieldError]:
    """A string such as ``25%``."""
    if not _PERCENT.fullmatch(value):
        detail = (
            "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex "
            "used for validation is '[0-9]+%')"
        )
        yield field_invalid(path, value, detail)


def parsed_ip(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, or None where it is none."""
    try:
        return ipaddress.ip_address(value)
    except ValueError:
        return None


def ip(path: str, value: str) -> Iterator[FieldError]:
    """An IP address."""
    if parsed_ip(value) is None:
        yield field_invalid(path, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")


def cidr(path: str, value: str) -> Iterator[FieldError]:
    """A network in CIDR form."""
    try:
        network = bool(ipaddress.ip_network(value, strict=False)) and "/" in value
    except ValueError:
        network = False
    if not network:
        yield field_invalid(path, value, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")


def non_special_ip(path: str, value: str) -> Iterator[FieldError]:
    """An address that traffic can be sent to: not unspecified, loopback, link-local or link-local multicast."""
    address = parsed_ip(value)
    if address is None:
        yield field_invalid(path, value, "must be a valid IP address")
        return
    if address.is_unspecified:
        yield field_invalid(path, value, f"may not be unspecified ({value})")
    if address.is_loopback:
        yield field_invalid(path, value, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
    if address.is_link_local:
        yield field_invalid(path, value, "may not be in the link-local range (169.254.0.0/16, fe80::/10)")
    if address.is_multicast and address in _link_local_multicast(address.version):
        yield field_invalid(path, value, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)")


def _link_local_multicast(version: int) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.IPv4Network("224.0.0.0/24") if version == 4 else ipaddress.IPv6Network("ff02::/16")
