"""PATCH of an object or of a subresource: JSON patch, JSON merge patch, strategic merge patch; apply goes its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from starlette.responses import Response

from apiserver import managed_fields
from apiserver.body import Expected, Parsed, check_field_validation, checked, parse_json
from apiserver.context import RequestContext
from apiserver.conversion import to_presented, to_stored
from apiserver.core import Operation
from apiserver.handlers.apply import apply_patch
from apiserver.handlers.strategic import StrategicPatch
from apiserver.handlers.update import check_identity, operation_of, prepare
from apiserver.negotiation import media_type_of
from apiserver.response import render_stored
from apiserver.writes import Stored, guaranteed_update
from minikube_py.api.decode import TypeMismatch
from minikube_py.api.errors import (
    BadRequest,
    Invalid,
    RequestEntityTooLarge,
    UnsupportedMediaType,
    field_invalid,
)
from minikube_py.api.meta import Object
from minikube_py.api.patch import MalformedPatch, PatchError, json_patch, merge_patch
from minikube_py.api.resources import Resource

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
APPLY_PATCH_CBOR = "application/apply-patch+cbor"
MAX_JSON_PATCH_OPERATIONS = 10_000
PATCH_FAILED = "the server rejected our request due to an error in our request"
"""All that upstream tells of a patch that does not apply; why is in the log."""
log = structlog.get_logger("apiserver")


@dataclass(frozen=True, slots=True)
class JsonPatch:
    """A JSON patch or a JSON merge patch in the body of a request; calling it applies it. Raises PatchError."""

    perform: Callable[[Object], Any]
    duplicates: tuple[str, ...] = ()
    """The paths in the patch that occur twice."""

    def __call__(self, doc: Object) -> Any:
        return self.perform(doc)

    def mismatched(self, patched: Any, mismatch: TypeMismatch) -> Invalid:
        """The answer to a patch that leads to a value of a wrong type."""
        return self.refused(patched, mismatch.message)

    def refused(self, patched: Any, complaint: str) -> Invalid:
        """The answer to a patch whose outcome is refused: upstream shows the whole outcome."""
        try:
            text = orjson.dumps(patched, option=orjson.OPT_SORT_KEYS).decode()
        except TypeError:
            raise BadRequest("the patch leads to an object that is nested too deeply") from None
        error = field_invalid("patch", text, complaint)
        return Invalid(f' "" is invalid: {error}', details={"causes": [error.cause()]})


Apply = JsonPatch | StrategicPatch


async def patch(ctx: RequestContext) -> Response:
    """Patches an object: 200 and the object as stored."""
    if media_type_of(ctx.header("content-type")) == APPLY_PATCH:
        return await apply_patch(ctx)
    field_validation = check_field_validation(ctx.query.get("fieldValidation"), "PatchOptions")
    operation = operation_of(ctx, managed_fields.patch_manager(ctx))
    apply = await read_patch(ctx)
    return render_stored(ctx, await patch_object(operation, apply, field_validation, ctx.resource))


async def read_patch(ctx: RequestContext, definition_of: Expected | None = None) -> Apply:
    """The patch in the body. Raises UnsupportedMediaType, BadRequest.

    ``definition_of`` names the kind that is patched where it is not the resource's own (``Scale``).
    """
    media_type = media_type_of(ctx.header("content-type"))
    expected = definition_of or Expected(ctx.resource.api_version, ctx.resource.kind)
    if media_type not in (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH):
        raise unsupported(media_type)
    parsed = parse_json(await ctx.body(), expected)
    document, duplicates = parsed.value, parsed.duplicates
    if media_type == JSON_PATCH:
        return _json_patch(document, duplicates)
    if not isinstance(document, dict):
        raise BadRequest("a merge patch must be a JSON object")
    if media_type == MERGE_PATCH:
        return JsonPatch(lambda doc: merge_patch(doc, document), duplicates)
    schemas = ctx.core.schemas
    definition = schemas.definition_name(expected.api_version, expected.kind)
    if definition is None:
        raise UnsupportedMediaType(f"strategic merge patch is not supported for {expected.kind}")
    return StrategicPatch(document, schemas, definition, duplicates)


def unsupported(media_type: str) -> UnsupportedMediaType:
    """The answer to a patch of another type; one that upstream knows is named."""
    accepted = f"accepted media types include: {JSON_PATCH}, {MERGE_PATCH}, {STRATEGIC_PATCH}, {APPLY_PATCH}"
    if media_type == APPLY_PATCH_CBOR:
        return UnsupportedMediaType(f"{APPLY_PATCH_CBOR} is not supported by this server - {accepted}")
    return UnsupportedMediaType(f"the body of the request was in an unknown format - {accepted}")


def _json_patch(document: Any, duplicates: tuple[str, ...]) -> Apply:
    if not isinstance(document, list):
        raise BadRequest("a JSON patch must be an array of operations")
    if len(document) > MAX_JSON_PATCH_OPERATIONS:
        raise RequestEntityTooLarge(
            f"The allowed maximum operations in a JSON patch is {MAX_JSON_PATCH_OPERATIONS}, got {len(document)}"
        )
    return JsonPatch(lambda doc: json_patch(doc, document), duplicates)


async def patch_object(operation: Operation, apply: Apply, field_validation: str, presented: Resource) -> Stored:
    """Patches the object as ``presented`` shows it and stores it through the same steps as an update.

    Raises NotFound, Conflict, Invalid, BadRequest, Forbidden.
    """
    expected = Expected(presented.api_version, presented.kind)

    async def transform(old: Object) -> Object:
        patched = patched_document(apply, to_presented(presented, old))
        new = check_patched(apply, patched, expected, operation, field_validation)
        check_identity(operation, new)
        return await prepare(operation, to_stored(presented, new), old)

    return await guaranteed_update(operation, transform)


def check_patched(
    apply: Apply, patched: Any, expected: Expected, operation: Operation, field_validation: str
) -> Object:
    """The outcome of a patch as an object of the expected kind. Raises BadRequest, Invalid."""
    return checked(
        Parsed(patched, apply.duplicates),
        expected,
        operation.core.schemas,
        field_validation,
        operation.warn,
        mismatched=lambda mismatch: apply.mismatched(patched, mismatch),
        refused=lambda complaint: apply.refused(patched, complaint),
    )


def patched_document(apply: Apply, document: Object) -> Any:
    """The patched document. Raises BadRequest for a malformed patch, Invalid for one that does not apply."""
    try:
        return apply(document)
    except MalformedPatch as error:
        raise BadRequest(str(error)) from None
    except PatchError as error:
        log.debug("Patch does not apply", error=str(error))
        raise Invalid(PATCH_FAILED, details={}) from None
    except RecursionError:
        raise BadRequest("the patch is nested too deeply") from None
