"""Request bodies to objects: JSON, YAML and protobuf, checked against the schema of their kind.

Unknown and duplicate fields are an error, a warning or nothing, as ``fieldValidation`` asks; a value of the wrong type
is always an error. Whatever a client sends, the outcome is an object or a 4xx.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import orjson

from apiserver.negotiation import PROTOBUF, YAML, body_media_type
from minikube_py.api.decode import TypeMismatch
from minikube_py.api.errors import ApiError, BadRequest, field_not_supported, invalid
from minikube_py.api.meta import Object
from minikube_py.api.schema import Schemas

STRICT, WARN, IGNORE = "Strict", "Warn", "Ignore"
MAX_NODES = 1_000_000
"""The most values a YAML document may hold once its aliases are written out."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a body must be: the request's kind in its group and version."""

    api_version: str
    kind: str

    @property
    def version(self) -> str:
        """The version without its group, as upstream's messages name it."""
        return self.api_version.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A body as plain JSON values, with the paths that occur more than once."""

    value: Any
    duplicates: tuple[str, ...] = ()


def check_field_validation(value: str, options_kind: str) -> str:
    """The ``fieldValidation`` parameter, ``Warn`` where absent. Raises Invalid."""
    if value in ("", WARN):
        return WARN
    if value in (STRICT, IGNORE):
        return value
    raise invalid(
        "meta.k8s.io", options_kind, "", [field_not_supported("fieldValidation", value, ("", STRICT, WARN, IGNORE))]
    )


def parse(body: bytes, content_type: str, expected: Expected, schemas: Schemas) -> Parsed:
    """The body's values. Raises BadRequest for what cannot be read and UnsupportedMediaType."""
    media_type = body_media_type(content_type)
    if media_type == PROTOBUF:
        from minikube_py.api.protobuf import decode_request

        try:
            return Parsed(decode_request(body, schemas))
        except (ValueError, RecursionError) as error:
            raise _unrecognized(expected, f"couldn't decode protobuf: {error}") from None
    if media_type == YAML:
        return parse_yaml(body, expected)
    return parse_json(body, expected)


def parse_json(body: bytes, expected: Expected) -> Parsed:
    """A JSON document. Raises BadRequest; NaN, invalid UTF-8 and nesting beyond 254 levels are refused too."""
    if not body.strip():
        raise BadRequest("unable to decode an empty request body") if body else _empty(expected)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        shown = body[:32].hex()
        raise _unrecognized(
            expected, f"couldn't get version/kind; json parse error: {error.msg} ({shown} ...)"
        ) from None
    try:
        compact = _is_compact(value, body)
    except TypeError:
        raise _unrecognized(expected, "couldn't get version/kind; json parse error: exceeded max depth") from None
    return Parsed(value, () if compact else _json_duplicates(body))


def _is_compact(value: Any, body: bytes) -> bool:
    """Whether the body is just what writing its values compactly gives, as most clients do: then no key is repeated.

    This costs a tenth of what looking for repeated keys costs. Raises TypeError for what is nested too deeply to be
    written.
    """
    return orjson.dumps(value) == body.rstrip()


def _empty(expected: Expected) -> BadRequest:
    return _unrecognized(expected, "couldn't get version/kind; json parse error: unexpected end of JSON input ()")


def _unrecognized(expected: Expected, cause: str) -> BadRequest:
    return BadRequest(f"the object provided is unrecognized (must be of type {expected.kind}): {cause}")


class _Pairs(list[tuple[str, Any]]):
    """A JSON object in which a key occurs twice, kept with all its pairs until its path is known."""


def _json_duplicates(body: bytes) -> tuple[str, ...]:
    found = False

    def hook(pairs: list[tuple[str, Any]]) -> Any:
        nonlocal found
        unique = dict(pairs)
        if len(unique) != len(pairs):
            found = True
        return _Pairs(pairs) if found else unique

    try:
        tree = json.loads(body, object_pairs_hook=hook)
    except (ValueError, RecursionError):
        return ()
    return tuple(_duplicate_paths(tree, "")) if found else ()


def _duplicate_paths(value: Any, path: str) -> list[str]:
    found: list[str] = []
    if isinstance(value, _Pairs | dict):
        seen: set[str] = set()
        for key, item in value if isinstance(value, _Pairs) else value.items():
            child = f"{path}.{key}" if path else key
            if key in seen and child not in found:
                found.append(child)
            seen.add(key)
            found += _duplicate_paths(item, child)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += _duplicate_paths(item, f"{path}[{index}]")
    return found


def parse_yaml(body: bytes, expected: Expected) -> Parsed:
    """The first YAML document as JSON values: timestamps stay text, keys become text. Raises BadRequest."""
    from apiserver.yaml_body import YamlError, load

    try:
        value, duplicates = load(body, MAX_NODES)
    except YamlError as error:
        raise _unrecognized(expected, f"error converting YAML to JSON: {error}") from None
    return Parsed(value, duplicates)


def check_kind(value: Any, expected: Expected) -> Object:
    """The object with ``apiVersion`` and ``kind`` as expected, filled in where absent. Raises BadRequest."""
    if not isinstance(value, dict):
        raise BadRequest(
            f'{expected.kind} in version "{expected.version}" cannot be handled as a {expected.kind}: json: cannot '
            f"unmarshal {_go_kind(value)} into Go value of type {expected.version}.{expected.kind}"
        )
    obj = cast(Object, value)
    api_version = obj.get("apiVersion") or expected.api_version
    kind = obj.get("kind") or expected.kind
    if not isinstance(api_version, str) or not isinstance(kind, str):
        raise _unrecognized(
            expected, "couldn't get version/kind; json parse error: apiVersion and kind must be strings"
        )
    if kind != expected.kind:
        raise BadRequest(
            f'{kind} in version "{api_version.rpartition("/")[2]}" cannot be handled as a {expected.kind}: '
            f'no kind "{kind}" is registered for version "{expected.api_version}" at this path'
        )
    if api_version != expected.api_version:
        raise BadRequest(
            f"the API version in the data ({api_version}) does not match the expected API version "
            f"({expected.api_version})"
        )
    rest = {key: item for key, item in obj.items() if key not in ("kind", "apiVersion")}
    return {"kind": kind, "apiVersion": api_version, **rest}


def _go_kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "number"


def checked(
    parsed: Parsed,
    expected: Expected,
    schemas: Schemas,
    field_validation: str,
    warn: Callable[..., None],
    *,
    mismatched: Callable[[TypeMismatch], ApiError] | None = None,
    refused: Callable[[str], ApiError] | None = None,
) -> Object:
    """The object with unknown fields pruned; ``warn`` is given what is only worth a warning.

    Raises BadRequest, or for a value of a wrong type what ``mismatched`` makes of it, and for what is unknown or occurs
    twice, when that is an error, what ``refused`` makes of the complaint.
    """
    obj = check_kind(parsed.value, expected)
    result = schemas.decode_check(expected.api_version, expected.kind, obj)
    if result.type_errors and mismatched is not None:
        raise mismatched(result.type_errors[0])
    if result.type_errors:
        raise BadRequest(
            f'{expected.kind} in version "{expected.version}" cannot be handled as a {expected.kind}: '
            f"{result.type_errors[0].message}"
        )
    complaints = [
        *(f'unknown field "{path}"' for path in result.unknown),
        *(f'duplicate field "{path}"' for path in parsed.duplicates),
    ]
    if complaints and field_validation == STRICT and refused is not None:
        raise refused(f"strict decoding error: {', '.join(complaints)}")
    if complaints and field_validation == STRICT:
        raise BadRequest(
            f'{expected.kind} in version "{expected.version}" cannot be handled as a {expected.kind}: '
            f"strict decoding error: {', '.join(complaints)}"
        )
    if field_validation == WARN:
        warn(*complaints)
    pruned = cast(Object, result.pruned)
    if not isinstance(pruned.get("metadata", {}), dict):
        raise BadRequest("metadata must be an object")
    if (obj.get("metadata") or {}).get("managedFields") == []:
        # Unlike its absence, an empty list asks to forget who manages what.
        pruned["metadata"]["managedFields"] = []
    return pruned


def decode(
    body: bytes,
    content_type: str,
    expected: Expected,
    schemas: Schemas,
    *,
    field_validation: str = IGNORE,
    warn: Callable[..., None] = lambda *_: None,
) -> Object:
    """Parses and checks a body; see :func:`parse` and :func:`checked`.

    Fields of a protobuf body that are not known are dropped in silence whatever is asked for, as upstream: a client of
    a later version sends every field of its messages, set or not.
    """
    if body_media_type(content_type) == PROTOBUF:
        field_validation = IGNORE
    return checked(parse(body, content_type, expected, schemas), expected, schemas, field_validation, warn)
