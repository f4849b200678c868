"""Random identifiers: the ``uid`` of objects and the id of an audited request."""

from __future__ import annotations

import os

_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def new_uuid() -> str:
    """A random UUID (version 4) as text; ``str(uuid.uuid4())`` makes an object first, and costs four times as much."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANT[digits[16]]}{digits[17:20]}-{digits[20:]}"
