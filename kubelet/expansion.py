"""``$(VAR)`` expansion in commands, arguments, environment values and subPathExpr.

Follows upstream's ``third_party/forked/golang/expansion``: ``$$`` is a literal ``$`` (so ``$$(VAR)`` is the text
``$(VAR)``), a reference to an unknown variable stays as it is written, and so does an unfinished reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_OPERATOR = "$"
_OPENER = "("
_CLOSER = ")"


def expand(text: str, variables: Mapping[str, str]) -> str:
    """``text`` with every known ``$(VAR)`` replaced."""
    expanded, _ = _expand(text, variables)
    return expanded


def expand_strictly(text: str, variables: Mapping[str, str]) -> str:
    """As :func:`expand`, but an unknown variable is an error, as ``subPathExpr`` demands.

    Raises KeyError with the name of the first unknown variable.
    """
    expanded, missing = _expand(text, variables)
    if missing:
        raise KeyError(missing[0])
    return expanded


def expand_all(texts: Iterable[str], variables: Mapping[str, str]) -> tuple[str, ...]:
    """:func:`expand` for each of a command's words."""
    return tuple(expand(text, variables) for text in texts)


def _expand(text: str, variables: Mapping[str, str]) -> tuple[str, list[str]]:
    if _OPERATOR not in text:
        return text, []
    parts: list[str] = []
    missing: list[str] = []
    position = 0
    while (operator := text.find(_OPERATOR, position)) >= 0 and operator + 1 < len(text):
        parts.append(text[position:operator])
        following = text[operator + 1]
        position = operator + 2
        if following == _OPERATOR:
            parts.append(_OPERATOR)
        elif following == _OPENER:
            closer = text.find(_CLOSER, position)
            if closer < 0:
                parts.append(_OPERATOR + _OPENER)
                continue
            name = text[position:closer]
            position = closer + 1
            if name in variables:
                parts.append(variables[name])
            else:
                missing.append(name)
                parts.append(f"$({name})")
        else:
            parts.append(_OPERATOR + following)
    parts.append(text[position:])
    return "".join(parts), missing
