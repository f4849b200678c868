"""Validation of paths of files."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from minikube_py.api.errors import FieldError, field_invalid


def local_path(path: str, value: str) -> Iterator[FieldError]:
    """A relative path that stays below the place it is relative to."""
    if posixpath.isabs(value):
        yield field_invalid(path, value, "must be a relative path")
    yield from no_backsteps(path, value)


def no_backsteps(path: str, value: str) -> Iterator[FieldError]:
    """A path without ``..`` elements."""
    if ".." in value.split("/"):
        yield field_invalid(path, value, "must not contain '..'")
