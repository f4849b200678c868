"""Validation of how storage and devices name places: topology selector terms and node selectors."""

from __future__ import annotations

from collections.abc import Iterator

from apiserver.validation.meta import selector_requirement
from apiserver.validation.names import label_value, qualified_name
from minikube_py.api.errors import FieldError, field_duplicate, field_invalid, field_required
from minikube_py.api.meta import Object

_NODE_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")


def topology_terms(path: str, terms: list[Object]) -> Iterator[FieldError]:
    """Terms of which no two are equal, each of expressions of which no two have one key."""
    seen: set[frozenset[tuple[str, frozenset[str]]]] = set()
    for index, term in enumerate(terms):
        here = f"{path}[{index}]"
        expressions = term.get("matchLabelExpressions") or []
        meaning: dict[str, frozenset[str]] = {}
        for position, expression in enumerate(expressions):
            there = f"{here}.matchLabelExpressions[{position}]"
            key = expression.get("key") or ""
            yield from _expression(there, expression)
            if key in meaning:
                yield field_duplicate(f"{there}.key", key)
            meaning[key] = frozenset(expression.get("values") or [])
        whole = frozenset(meaning.items())
        if whole in seen:
            yield field_duplicate(f"{here}.matchLabelExpressions", "")
        seen.add(whole)


def _expression(path: str, expression: Object) -> Iterator[FieldError]:
    values = expression.get("values") or []
    if not values:
        yield field_required(f"{path}.values")
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield field_duplicate(f"{path}.values[{index}]", value)
        seen.add(value)
        yield from label_value(f"{path}.values[{index}]", value)
    yield from qualified_name(f"{path}.key", expression.get("key") or "")


def node_selector(path: str, selector: Object) -> Iterator[FieldError]:
    """A node selector with at least one term."""
    terms = selector.get("nodeSelectorTerms") or []
    if not terms:
        yield field_required(f"{path}.nodeSelectorTerms", "must have at least one node selector term")
    for index, term in enumerate(terms):
        yield from _node_selector_term(f"{path}.nodeSelectorTerms[{index}]", term)


def _node_selector_term(path: str, term: Object) -> Iterator[FieldError]:
    for index, requirement in enumerate(term.get("matchExpressions") or []):
        yield from selector_requirement(f"{path}.matchExpressions[{index}]", requirement, operators=_NODE_OPERATORS)
    for index, requirement in enumerate(term.get("matchFields") or []):
        yield from _field_requirement(f"{path}.matchFields[{index}]", requirement)


def _field_requirement(path: str, requirement: Object) -> Iterator[FieldError]:
    operator, key = requirement.get("operator") or "", requirement.get("key") or ""
    if operator not in ("In", "NotIn"):
        yield field_invalid(f"{path}.operator", operator, "not a valid selector operator")
    elif len(requirement.get("values") or []) != 1:
        detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        yield field_required(f"{path}.values", detail)
    if key != "metadata.name":
        yield field_invalid(f"{path}.key", key, "not a valid field selector key")
