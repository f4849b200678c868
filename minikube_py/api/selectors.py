"""Label and field selectors: their text and object forms, and whether something matches.

Grammar, validation and messages follow ``k8s.io/apimachinery/pkg/labels`` and ``…/fields``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from minikube_py.api import names
from minikube_py.api.errors import FieldError, field_invalid, field_not_supported, field_required
from minikube_py.api.meta import Object

_TOKEN = re.compile(r"[ \t\r\n]*(==|!=|[=!(),<>]|[^=!(),<> \t\r\n]+|$)")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_SPECIAL = frozenset({"==", "!=", "=", "!", "(", ")", ",", "<", ">", ""})
_OPERATORS = {"in": "in", "notin": "notin", "=": "=", "==": "==", "!=": "!=", ">": ">", "<": "<"}
_OBJECT_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label; ``operator`` is ``= == != in notin exists ! > <``, ``values`` are sorted."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels satisfy it; a missing label satisfies ``!=``, ``notin`` and ``!``."""
        value = labels.get(self.key)
        match self.operator:
            case "=" | "==" | "in":
                return value is not None and value in self.values
            case "!=" | "notin":
                return value is None or value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
        return value is not None and compare_integers(value, self.operator, self.values[0])

    def __str__(self) -> str:
        match self.operator:
            case "exists":
                return self.key
            case "!":
                return f"!{self.key}"
            case "in" | "notin":
                return f"{self.key} {self.operator} ({','.join(self.values)})"
        return f"{self.key}{self.operator}{self.values[0]}"


def compare_integers(value: str, operator: str, bound: str) -> bool:
    """``value > bound`` or ``value < bound`` as whole numbers; False where either is none."""
    if not _INTEGER.fullmatch(value) or not _INTEGER.fullmatch(bound):
        return False
    return int(value) > int(bound) if operator == ">" else int(value) < int(bound)


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All of its requirements must match; ``selects_nothing`` is the selector of an absent object form."""

    requirements: tuple[Requirement, ...] = ()
    selects_nothing: bool = False

    @classmethod
    def parse(cls, text: str) -> LabelSelector:
        """The text form: ``a=b,c!=d,e in (f,g),!h,i>3``. Raises ValueError with upstream's message."""
        return cls(_by_key(_Parser(text).requirements()))

    @classmethod
    def from_object(cls, selector: Object | None) -> LabelSelector:
        """The object form (``matchLabels``, ``matchExpressions``); None selects nothing, an empty one everything.

        Raises ValueError for an operator that is not one of its four.
        """
        if selector is None:
            return cls(selects_nothing=True)
        found = [Requirement(key, "=", (value,)) for key, value in (selector.get("matchLabels") or {}).items()]
        for expression in selector.get("matchExpressions") or []:
            operator = _OBJECT_OPERATORS.get(expression.get("operator", ""))
            if operator is None:
                raise ValueError(f'"{expression.get("operator", "")}" is not a valid label selector operator')
            found.append(Requirement(expression.get("key", ""), operator, _sorted(expression.get("values") or [])))
        return cls(_by_key(found))

    @classmethod
    def from_labels(cls, labels: Mapping[str, str]) -> LabelSelector:
        """The selector of objects that carry all these labels."""
        return cls(_by_key([Requirement(key, "=", (value,)) for key, value in labels.items()]))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether every requirement holds."""
        if self.selects_nothing:
            return False
        for requirement in self.requirements:  # noqa: SIM110 - half the time of all() on this hot path
            if not requirement.matches(labels):
                return False
        return True

    @property
    def is_everything(self) -> bool:
        """Whether it has no requirement and so matches all labels."""
        return not self.requirements and not self.selects_nothing

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in self.requirements)


def _sorted(values: list[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _by_key(requirements: list[Requirement]) -> tuple[Requirement, ...]:
    return tuple(sorted(requirements, key=lambda requirement: requirement.key))


class _Parser:
    """A recursive-descent reader of the text form."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._position = 0

    def _peek(self) -> str:
        return self._tokens[self._position]

    def _next(self) -> str:
        token = self._tokens[self._position]
        if token:
            self._position += 1
        return token

    def requirements(self) -> list[Requirement]:
        found: list[Requirement] = []
        while True:
            token = self._peek()
            if not token:
                return found
            if token in _SPECIAL and token != "!":
                raise ValueError(f"found '{token}', expected: !, identifier, or 'end of string'")
            try:
                found.append(self._requirement())
            except ValueError as error:
                raise ValueError(f"unable to parse requirement: {error}") from None
            token = self._next()
            if not token:
                return found
            if token != ",":
                raise ValueError(f"found '{token}', expected: ',' or 'end of string'")
            if self._peek() in _SPECIAL and self._peek() != "!":
                raise ValueError(f"found '{self._peek()}', expected: identifier after ','")

    def _requirement(self) -> Requirement:
        negated = self._peek() == "!"
        if negated:
            self._next()
        key = self._next()
        if key in _SPECIAL:
            raise ValueError(f"found '{key}', expected: identifier")
        _raise_first(key, names.qualified_name(key), "key")
        if self._peek() in (",", ""):
            return Requirement(key, "!" if negated else "exists")
        if negated:
            raise ValueError(f"found '{self._peek()}', expected: ',' or 'end of string'")
        operator = self._next()
        if operator not in _OPERATORS:
            raise ValueError(f"found '{operator}', expected: in, notin, =, ==, !=, gt, lt")
        values = self._values() if operator in ("in", "notin") else [self._exact_value()]
        requirement = Requirement(key, operator, _sorted(values))
        _check_values(requirement)
        return requirement

    def _exact_value(self) -> str:
        token = self._peek()
        if token in ("", ","):
            return ""
        if token in _SPECIAL:
            raise ValueError(f"found '{token}', expected: identifier")
        return self._next()

    def _values(self) -> list[str]:
        token = self._next()
        if token != "(":
            raise ValueError(f"found '{token}' expected: '('")
        values: list[str] = []
        while True:
            token = self._peek()
            if token not in _SPECIAL:
                values.append(self._next())
                if self._peek() not in (",", ")"):
                    raise ValueError(f"found '{self._peek()}', expected: ',' or ')'")
            elif token in (",", ")"):
                values.append("")
            else:
                raise ValueError(f"found '{token}', expected: ',', ')' or identifier")
            if self._next() == ")":
                return values


def _tokens(text: str) -> list[str]:
    """Identifiers and special symbols, ended by one empty token."""
    tokens: list[str] = []
    position = 0
    while True:
        match = cast("re.Match[str]", _TOKEN.match(text, position))
        tokens.append(match[1])
        position = match.end()
        if not match[1]:
            return tokens


def _raise_first(value: str, messages: list[str], path: str) -> None:
    if messages:
        raise ValueError(str(field_invalid(path, value, "; ".join(messages))))


def _check_values(requirement: Requirement) -> None:
    for index, value in enumerate(requirement.values):
        _raise_first(value, names.label_value(value), f"values[{index}][{requirement.key}]")
    if requirement.operator in ("<", ">"):
        value = requirement.values[0]
        if not _INTEGER.fullmatch(value):
            detail = "for 'Gt', 'Lt' operators, the value must be an integer"
            raise ValueError(str(field_invalid("values[0]", value, detail)))


def validate_label_selector(path: str, selector: Object) -> Iterator[FieldError]:
    """Every error of an object form, as ``ValidateLabelSelector`` tells them."""
    for key, value in (selector.get("matchLabels") or {}).items():
        for message in names.qualified_name(key):
            yield field_invalid(f"{path}.matchLabels", key, message)
        for message in names.label_value(value):
            yield field_invalid(f"{path}.matchLabels", value, message)
    for index, expression in enumerate(selector.get("matchExpressions") or []):
        here = f"{path}.matchExpressions[{index}]"
        operator, values = expression.get("operator", ""), expression.get("values") or []
        if operator in ("In", "NotIn"):
            if not values:
                yield field_required(f"{here}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                yield FieldError(f"{here}.values", "FieldValueForbidden", f"Forbidden: {detail}")
        else:
            yield field_not_supported(f"{here}.operator", operator, _OBJECT_OPERATORS)
        for message in names.qualified_name(expression.get("key", "")):
            yield field_invalid(f"{here}.key", expression.get("key", ""), message)
        for value_index, value in enumerate(values):
            for message in names.label_value(value):
                yield field_invalid(f"{here}.values[{value_index}]", value, message)


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Conditions ``(path, "=" or "!=", value)``, all of which must hold."""

    requirements: tuple[tuple[str, str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> FieldSelector:
        r"""``a.b=c,d!=e``; in a value ``\\``, ``\,`` and ``\=`` are escapes. Raises ValueError as upstream."""
        found: list[tuple[str, str, str]] = []
        for term in re.findall(r"(?:\\.|[^,\\]|\\$)+", text, re.DOTALL):
            split = re.match(r"((?:\\.|[^\\=!]|!(?!=))*?)(!=|==|=)(.*)", term, re.DOTALL)
            if split is None:
                raise ValueError(f"invalid selector: '{text}'; can't understand '{term}'")
            found.append((split[1], "!=" if split[2] == "!=" else "=", _unescape(split[3])))
        return cls(tuple(found))

    def matches(self, get: Callable[[str], str | None]) -> bool:
        """Whether all hold, where ``get`` gives the value of a path (None counts as empty)."""
        return all(((get(path) or "") == value) == (operator == "=") for path, operator, value in self.requirements)

    def exact(self, path: str) -> str | None:
        """The value that ``path`` must equal, or None where no ``=`` condition names it."""
        return next((value for name, operator, value in self.requirements if name == path and operator == "="), None)

    def __str__(self) -> str:
        return ",".join(f"{path}{operator}{_escape(value)}" for path, operator, value in self.requirements)


def _escape(value: str) -> str:
    return re.sub(r"([\\,=])", r"\\\1", value)


def _unescape(value: str) -> str:
    def replaced(match: re.Match[str]) -> str:
        escaped = match[1]
        if escaped not in ("\\", ",", "="):
            raise ValueError(f"invalid field selector: invalid escape sequence: \\{escaped}")
        return escaped

    if "=" in re.sub(r"\\.", "", value, flags=re.DOTALL):
        raise ValueError("invalid field selector: unescaped character in value: =")
    return re.sub(r"\\(.?)", replaced, value, flags=re.DOTALL)
