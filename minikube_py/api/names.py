"""Validation of names, label keys and label values, with upstream's messages, and the generation of names.

Every check returns the messages of what is wrong, an empty list for a good value; they follow
``k8s.io/apimachinery/pkg/util/validation``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from random import Random

SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""The characters of a generated suffix: no vowels, so no words, and none that are easily confused."""
SUFFIX_LENGTH = 5
LONGEST_GENERATED_BASE = 63 - SUFFIX_LENGTH

_DNS1123_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DNS1123_SUBDOMAIN = rf"{_DNS1123_LABEL}(\.{_DNS1123_LABEL})*"
_DNS1035_LABEL = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED_NAME})?"

_IS_DNS1123_LABEL = re.compile(_DNS1123_LABEL)
_IS_DNS1123_SUBDOMAIN = re.compile(_DNS1123_SUBDOMAIN)
_IS_DNS1035_LABEL = re.compile(_DNS1035_LABEL)
_IS_QUALIFIED_NAME = re.compile(_QUALIFIED_NAME)

EMPTY = "must be non-empty"

Check = Callable[[str], list[str]]
"""What every check of this module is."""


def max_length(limit: int) -> str:
    """``must be no more than N characters``."""
    return f"must be no more than {limit} characters"


def regex_error(message: str, pattern: str, *examples: str) -> str:
    """The message with its examples and pattern, as upstream words it (two spaces before ``or`` included)."""
    shown = " or ".join(f"'{example}', " for example in examples)
    return (
        f"{message} (e.g. {shown}regex used for validation is '{pattern}')"
        if examples
        else (f"{message} (regex used for validation is '{pattern}')")
    )


_QUALIFIED_NAME_MESSAGE = regex_error(
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    _QUALIFIED_NAME,
    "MyName",
    "my.name",
    "123-abc",
)


def dns1123_label(value: str) -> list[str]:
    """A namespace's, container's or volume's name: at most 63 characters."""
    messages = [] if len(value) <= 63 else [max_length(63)]
    if not _IS_DNS1123_LABEL.fullmatch(value):
        # A dot is the mistake of writing a subdomain; upstream names the label rule all the same.
        messages.append(
            regex_error(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
                "and must start and end with an alphanumeric character",
                _DNS1123_LABEL,
                "my-name",
                "123-abc",
            )
        )
    return messages


def dns1123_subdomain(value: str) -> list[str]:
    """The name of most kinds: at most 253 characters."""
    messages = [] if len(value) <= 253 else [max_length(253)]
    if not _IS_DNS1123_SUBDOMAIN.fullmatch(value):
        messages.append(
            regex_error(
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
                "and must start and end with an alphanumeric character",
                _DNS1123_SUBDOMAIN,
                "example.com",
            )
        )
    return messages


def dns1035_label(value: str) -> list[str]:
    """A Service's name: at most 63 characters, beginning with a letter."""
    messages = [] if len(value) <= 63 else [max_length(63)]
    if not _IS_DNS1035_LABEL.fullmatch(value):
        messages.append(
            regex_error(
                "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
                "alphabetic character, and end with an alphanumeric character",
                _DNS1035_LABEL,
                "my-name",
                "abc-123",
            )
        )
    return messages


def qualified_name(value: str) -> list[str]:
    """A label key, annotation key, taint key or resource name: ``[prefix/]name``."""
    parts = value.split("/")
    if len(parts) > 2:
        return [
            f"a qualified name {_QUALIFIED_NAME_MESSAGE} with an optional DNS subdomain prefix and '/' "
            "(e.g. 'example.com/MyName')"
        ]
    messages: list[str] = []
    if len(parts) == 2:
        messages += _each("prefix part ", dns1123_subdomain(parts[0]) if parts[0] else [EMPTY])
    name = parts[-1]
    if not name:
        messages.append(f"name part {EMPTY}")
    elif len(name) > 63:
        messages.append(f"name part {max_length(63)}")
    if not _IS_QUALIFIED_NAME.fullmatch(name):
        messages.append(f"name part {_QUALIFIED_NAME_MESSAGE}")
    return messages


def label_value(value: str) -> list[str]:
    """A label's value: empty, or at most 63 characters."""
    messages = [] if len(value) <= 63 else [max_length(63)]
    if value and not _IS_QUALIFIED_NAME.fullmatch(value):
        messages.append(
            regex_error(
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
                "and must start and end with an alphanumeric character",
                _LABEL_VALUE,
                "MyValue",
                "my_value",
                "12345",
            )
        )
    return messages


def generate_name(base: str, random: Random) -> str:
    """``base`` (cut to 58 characters) with five random characters of :data:`SUFFIX_ALPHABET`."""
    suffix = "".join(random.choice(SUFFIX_ALPHABET) for _ in range(SUFFIX_LENGTH))
    return base[:LONGEST_GENERATED_BASE] + suffix


def _each(prefix: str, messages: Iterable[str]) -> list[str]:
    return [prefix + message for message in messages]
