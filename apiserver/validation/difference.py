"""What differs between two values, in lines that a person can read below an error message.

Upstream prints the output of a Go library there that promises no format; this says the same facts in the same
manner: one line with ``-`` for what was, one with ``+`` for what is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def difference(new: Any, old: Any, path: str = "") -> str:
    """The lines, each ended by a newline; the empty string for equal values."""
    return "".join(_lines(path, new, old))


def _lines(path: str, new: Any, old: Any) -> Iterator[str]:
    if new == old:
        return
    if isinstance(new, dict) and isinstance(old, dict):
        for key in sorted({*new, *old}):
            yield from _lines(f"{path}.{key}" if path else key, new.get(key), old.get(key))
    elif isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        for index, (after, before) in enumerate(zip(new, old, strict=True)):
            yield from _lines(f"{path}[{index}]", after, before)
    else:
        for sign, value in (("-", old), ("+", new)):
            if value is not None:
                yield f"{sign} {path}: {json.dumps(value, ensure_ascii=False, sort_keys=True)}\n"
