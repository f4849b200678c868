"""Every write of every kind, with objects that a schema allows and with what none does."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import orjson
from fuzz_checker import Checker
from fuzz_profile import bounded
from fuzz_protobuf import to_protobuf
from fuzz_samples import PERSISTED, ROWS, collection, sample, schemas
from fuzz_spoiler import STRINGS, Spoiler
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.api.resources import Resource

randoms = st.randoms(use_true_random=True)
JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
JSON_PATCH, APPLY = "application/json-patch+json", "application/apply-patch+yaml"
VALIDATION = ["", "?fieldValidation=Strict", "?fieldValidation=Ignore", "?dryRun=All", "?fieldManager=m"]


def one(resource: Resource) -> str:
    return f"{collection(resource)}/{sample(resource)['metadata']['name']}"


def subresources(resource: Resource, verb: str) -> list[str]:
    """The resource itself and its subresources that take objects of its kind."""
    own = [sub.name for sub in resource.subresources if verb in sub.verbs and sub.name not in ("proxy", "scale")]
    return ["", *(f"/{name}" for name in own)]


def body_of(spoiler: Spoiler, obj: Any) -> tuple[bytes, str]:
    """The object in one of the content types."""
    draw = spoiler.random.random()
    if draw < 0.6:
        return spoiler.text(obj), JSON
    if draw < 0.8:
        return spoiler.yaml(obj), YAML
    try:
        return spoiler.bytes(to_protobuf(obj)), PROTOBUF
    except (ValueError, TypeError, AttributeError, OverflowError, KeyError):
        # No typed client could hold it.
        return spoiler.text(obj), JSON


@bounded(400)
@given(randoms)
async def test_creates(checker: Checker, random: Random) -> None:
    spoiler = Spoiler(random)
    resource = random.choice(PERSISTED)
    body, media_type = body_of(spoiler, spoiler.spoil(resource, sample(resource)))
    await checker.write(resource, "POST", collection(resource) + random.choice(VALIDATION), body, media_type)
    await checker.remove(resource)


@bounded(150)
@given(randoms)
async def test_creates_of_what_is_not_stored(checker: Checker, random: Random) -> None:
    spoiler = Spoiler(random)
    resource = random.choice([row for row in ROWS if not row.persisted])
    body, media_type = body_of(spoiler, spoiler.spoil(resource, sample(resource)))
    await checker("POST", collection(resource) + random.choice(VALIDATION), body, media_type)


@bounded(300)
@given(randoms)
async def test_updates(checker: Checker, random: Random) -> None:
    spoiler = Spoiler(random)
    resource = random.choice(PERSISTED)
    await checker.start(resource, sample(resource))
    for _ in range(3):
        found = await checker.api("GET", one(resource))
        obj = found.json if found.status == 200 and random.random() < 0.5 else sample(resource)
        obj["metadata"] = {**sample(resource)["metadata"], **obj["metadata"]}
        body, media_type = body_of(spoiler, spoiler.spoil(resource, obj))
        path = one(resource) + random.choice(subresources(resource, "update")) + random.choice(VALIDATION)
        await checker.write(resource, "PUT", path, body, media_type)
    await checker.remove(resource)


@bounded(300)
@given(randoms)
async def test_merge_patches_and_applies(checker: Checker, random: Random) -> None:
    spoiler = Spoiler(random)
    resource = random.choice(PERSISTED)
    await checker.start(resource, sample(resource))
    for _ in range(3):
        patch = spoiler.spoil(resource, sample(resource))
        for key in random.sample(sorted(patch), random.randrange(len(patch))):
            if key not in ("apiVersion", "kind"):
                del patch[key]
        media_type = random.choice([MERGE, STRATEGIC, STRATEGIC, APPLY, APPLY])
        path = one(resource) + random.choice(subresources(resource, "patch"))
        if media_type == APPLY:
            path += random.choice(["", "?fieldManager=m", "?fieldManager=m&force=true", "?fieldManager=n&force=1"])
            body = random.choice([spoiler.text, spoiler.yaml])(patch)
        else:
            path += random.choice(VALIDATION)
            body = spoiler.text(patch)
        await checker.write(resource, "PATCH", path, body, media_type)
    await checker.remove(resource)


@bounded(200)
@given(randoms)
async def test_json_patches(checker: Checker, random: Random) -> None:
    spoiler = Spoiler(random)
    resource = random.choice(PERSISTED)
    await checker.start(resource, sample(resource))
    for _ in range(3):
        found = await checker.api("GET", one(resource))
        pointers = ["", "/", "/-", "x", "/~", "/~2", "/metadata/labels/-", *_pointers(found.json)]
        spoilt = spoiler.spoil(resource, sample(resource))
        values = [spoilt, *(item for part in (spoilt, spoilt.get("metadata")) for item in _items(part))]
        operations = [
            {
                "op": random.choice(["add", "add", "replace", "remove", "test", "copy", "move", "x", None]),
                "path": random.choice(pointers) + random.choice(["", "", "/-", "/0", "/x", "/99999999999999999999"]),
                "from": random.choice(pointers),
                "value": random.choice(values),
            }
            for _ in range(random.choice((1, 1, 2, 5)))
        ]
        if random.random() < 0.1:
            operations[0].pop(random.choice(["op", "path", "from", "value"]))
        path = one(resource) + random.choice(subresources(resource, "patch")) + random.choice(VALIDATION)
        await checker.write(resource, "PATCH", path, spoiler.text(operations), JSON_PATCH)
    await checker.remove(resource)


def _items(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else [value]


def _pointers(value: Any, here: str = "") -> list[str]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    parts = [(str(key).replace("~", "~0").replace("/", "~1"), item) for key, item in inner]
    return [here, *(pointer for key, item in parts for pointer in _pointers(item, f"{here}/{key}"))]


def _other_kind(spoiler: Spoiler, api_version: str, kind: str, valid: dict[str, Any]) -> dict[str, Any]:
    """An object of a kind that has no row, spoilt."""
    name = schemas().definition_name(api_version, kind)
    assert name is not None
    drawn = spoiler.value(schemas().type_of(name)) if spoiler.random.random() < 0.5 else {}
    obj = {**valid, **drawn, "apiVersion": api_version, "kind": kind}
    for key in spoiler.random.sample(sorted(obj), spoiler.random.randrange(2)):
        obj[key] = spoiler.random.choice([None, {}, [], "", 1, "x" * 300, -1, 2**63, {"a": None}])
    return obj


@bounded(150)
@given(randoms)
async def test_scales(checker: Checker, random: Random) -> None:
    spoiler = Spoiler(random)
    resource = random.choice([row for row in PERSISTED if row.subresource("scale")])
    await checker.start(resource, sample(resource))
    valid = {"metadata": {"name": "fuzzed", "namespace": "default"}, "spec": {"replicas": 2}}
    for _ in range(3):
        scale = _other_kind(spoiler, "autoscaling/v1", "Scale", valid)
        method = random.choice(["PUT", "PATCH"])
        media_type = random.choice([MERGE, STRATEGIC, APPLY]) if method == "PATCH" else JSON
        path = f"{one(resource)}/scale" + random.choice(["", "?fieldManager=m&force=true"])
        await checker.write(resource, method, path, spoiler.text(scale), media_type)
        await checker.read(f"{one(resource)}/scale")
    await checker.remove(resource)


@bounded(200)
@given(randoms)
async def test_other_subresources(checker: Checker, random: Random) -> None:
    spoiler = Spoiler(random)
    pods, accounts = (next(row for row in ROWS if row.kind == kind) for kind in ("Pod", "ServiceAccount"))
    resource, name, api_version, kind, valid = random.choice(
        [
            (pods, "eviction", "policy/v1", "Eviction", {"deleteOptions": {"gracePeriodSeconds": 1}}),
            (pods, "binding", "v1", "Binding", {"target": {"kind": "Node", "name": "n"}}),
            (accounts, "token", "authentication.k8s.io/v1", "TokenRequest", {"spec": {"audiences": ["a"]}}),
        ]
    )
    await checker.start(resource, sample(resource))
    meta = {"metadata": {"name": "fuzzed", "namespace": "default"}}
    body, media_type = body_of(spoiler, _other_kind(spoiler, api_version, kind, {**meta, **valid}))
    await checker.write(resource, "POST", f"{one(resource)}/{name}", body, media_type)
    await checker.remove(resource)


@bounded(200)
@given(randoms)
async def test_deletes(checker: Checker, random: Random) -> None:
    spoiler = Spoiler(random)
    resource = random.choice(PERSISTED)
    obj = sample(resource)
    obj["metadata"]["finalizers"] = random.choice([[], ["example.com/f"]])
    obj["metadata"]["labels"] = {"fuzzed": "true"}
    await checker.start(resource, obj)
    options = _other_kind(spoiler, "v1", "DeleteOptions", {})
    if random.random() < 0.5:
        options = {"gracePeriodSeconds": random.choice([0, 1, -1, 2**63 - 1, -(2**63), 2**40, 10**18])}
    body, media_type = body_of(spoiler, options)
    queries = [
        "gracePeriodSeconds=9223372036854775807",
        "gracePeriodSeconds=-9223372036854775808",
        "gracePeriodSeconds=²",
        "gracePeriodSeconds=x",
        "propagationPolicy=x",
        "propagationPolicy=Orphan&orphanDependents=true",
        "orphanDependents=x",
        "dryRun=x",
        "dryRun=All",
        "preconditions=x",
    ]
    query = random.choice(["", f"?{random.choice(queries)}"])
    if random.random() < 0.3 and "deletecollection" in resource.verbs:
        selector = "labelSelector=fuzzed" + random.choice(["", "=true", "!=true,fuzzed", " in (true)"])
        await checker.write(resource, "DELETE", f"{collection(resource)}{query or '?'}&{selector}", body, media_type)
    else:
        await checker.write(resource, "DELETE", one(resource) + query, body, media_type)
    await checker.remove(resource)


@bounded(100)
@given(randoms)
async def test_parameters_of_writes(checker: Checker, random: Random) -> None:
    resource = random.choice(PERSISTED)
    names = ["dryRun", "fieldManager", "fieldValidation", "pretty", "force", "timeout", "limit", "resourceVersion"]
    query = "&".join(
        f"{name}={random.choice(STRINGS)}" for name in random.sample(names, random.randrange(1, 3))
    ).replace("#", "")
    method, path = random.choice([("POST", collection(resource)), ("PUT", one(resource)), ("PATCH", one(resource))])
    media_type = random.choice([MERGE, STRATEGIC, APPLY]) if method == "PATCH" else JSON
    await checker.write(resource, method, f"{path}?{query}", orjson.dumps(sample(resource)), media_type)
    await checker.remove(resource)


@bounded(60)
@given(randoms)
async def test_any_content_type(checker: Checker, random: Random) -> None:
    resource = random.choice(PERSISTED)
    media_types = [JSON, YAML, PROTOBUF, MERGE, STRATEGIC, JSON_PATCH, APPLY, "", "x", "text/plain", "application/cbor"]
    media_types += ["application/json; charset=latin-1", "application/json;;;=", "multipart/form-data", ";", "a/b/c"]
    method, path = random.choice([("POST", collection(resource)), ("PUT", one(resource)), ("PATCH", one(resource))])
    body = json.dumps(sample(resource)).encode()
    await checker.write(resource, method, path, body, random.choice(media_types))
    await checker.remove(resource)
