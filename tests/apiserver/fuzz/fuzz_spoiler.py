"""Values of a type as a schema allows them, edges first, and objects changed by them."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from random import Random
from typing import Any

import yaml
from fuzz_samples import schemas

from minikube_py.api.fields import Code, Type
from minikube_py.api.resources import Resource

STRINGS = [
    "",
    " ",
    "-",
    "a",
    "x",
    "default",
    "x" * 64,
    "x" * 300,
    "a.b/c",
    "/",
    "..",
    "../a",
    "/a/../b",
    "a=b",
    "*",
    "*.example.com",
    "%",
    "1%",
    "101%",
    "²%",
    "²",
    "٣",
    "0",
    "1",
    "-1",
    "99999999999999999999",
    "9" * 5000,
    "1.5",
    "1e9",
    "0x10",
    "NaN",
    "192.0.2.1",
    "192.0.2.256",
    "192.0.2.0/24",
    "192.0.2.1/33",
    "٣.0.2.1",
    "::1",
    "::ffff:192.0.2.1",
    "2001:db8::/129",
    "fe80::1%eth0",
    "[::1]",
    "http://[",
    "https://a.example/%zz",
    "a\u0000b",
    "a\nb",
    "\u2028",
    "ſ",
    "İ",
    "\U0001f600",
    "e\u0301",
    "\ud7ff",
    "\uffff",
    '"',
    "\\",
    "{}",
    "{{",
    "$(A)",
    "$(",
    "%s",
    "None",
    "true",
    "null",
    "kubernetes.io/x",
    "example.com/f",
    "requests.cpu",
    "hugepages-2Mi",
    "kube-system",
    "system:admin",
    "metadata.labels['a']",
    "metadata.labels['",
    "*/5 * * * *",
    "@every 1ns",
    "TZ=Etc/UTC 0 0 * * *",
    "0 0 30 2 *",
    "*/0 * * * *",
    "Europe/../etc",
    "apps/v1",
    "a/b/c",
    "v1",
    "Deployment",
    "2026-01-01T00:00:00Z",
    "(" * 50,
    "[a-",
]
INTEGERS = [0, 1, 2, 3, -1, 80, 100, 101, 420, 511, 512, 65535, 65536, 2**31 - 1, -(2**31)]
WIDE_INTEGERS = [*INTEGERS, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)]
QUANTITIES = [
    "0",
    "1",
    "-1",
    "1m",
    "1n",
    "0.0000000001",
    "1Gi",
    "1.5Gi",
    "1E",
    "9Ei",
    "16Ei",
    "1e3",
    "1e18",
    "1e-9",
    "9" * 30,
    "0." + "1" * 40,
    "1e99999999999",
    "1e-99999999999",
    "+1",
    ".5",
    "1.",
    "",
    "i",
    "²",
    1,
    -1,
    1.5,
    1e308,
    2**63,
]
TIMES = [
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.123456789Z",
    "0001-01-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-02-30T00:00:00Z",
    "2026-01-01t00:00:00z",
    "2026-01-01",
    "٢٠٢٦-01-01T00:00:00Z",
    "",
    "x",
]
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**63,
    10**40,
    -(10**400),
    1.5,
    1e308,
    "",
    "x" * 100_000,
    [],
    [None],
    [[]],
    [{}],
    ["", ""],
    {},
    {"": ""},
    {"a": {}},
    {"a": None},
    {"$patch": "delete"},
    {"$patch": "replace"},
    {"$patch": 1},
    {"$retainKeys": [1]},
    {"$setElementOrder/containers": [{"name": "c"}, 1]},
    {"$deleteFromPrimitiveList/finalizers": {}},
    [{"$patch": "delete", "name": "c"}],
    [{"$patch": "replace"}],
]
RAW = [b"NaN", b"-Infinity", b"1e999", b"-0", b"01", b'"\\ud800"', b'"\xff"', b"9" * 5000, b"{" * 90, b"[" * 3000]
"""What is put into a JSON text in place of a value, well-formed or not."""
DEEP = [b"[" * depth + b"]" * depth for depth in (120, 260, 600, 1100, 20_000)] + [
    b'{"a":' * depth + b"1" + b"}" * depth for depth in (120, 260, 600, 1100, 20_000)
]
_QUOTED = re.compile(r'["`\']([A-Za-z][A-Za-z0-9./-]{1,40})["`\']')


class Spoiler:
    """Draws values of a type and changes objects, all by one source of chance."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def value(self, expected: Type, description: str = "", depth: int = 0) -> Any:
        """A value that the type takes, or nearly so."""
        random = self.random
        match expected.code:
            case Code.STRING:
                named = _QUOTED.findall(description)
                return random.choice(named if named and random.random() < 0.6 else STRINGS)
            case Code.INT32:
                return random.choice(INTEGERS)
            case Code.INT64 | Code.DOUBLE:
                return random.choice(WIDE_INTEGERS)
            case Code.BOOL:
                return random.random() < 0.5
            case Code.BYTES:
                return random.choice(["", "eA==", "eHg=", "/+8=", "e", "eA", "*"])
            case Code.QUANTITY:
                return random.choice(QUANTITIES)
            case Code.INT_OR_STRING:
                return random.choice([*INTEGERS, *STRINGS])
            case Code.TIME | Code.MICRO_TIME:
                return random.choice(TIMES)
            case Code.LIST:
                item = expected.item or Type(Code.ANY)
                items = [self.value(item, description, depth + 1) for _ in range(random.randrange(3))]
                return items * 2 if random.random() < 0.1 else items
            case Code.MAP:
                item = expected.item or Type(Code.ANY)
                return {random.choice(STRINGS): self.value(item, "", depth + 1) for _ in range(random.randrange(3))}
            case Code.STRUCT:
                return self._struct(expected, depth)
        objects = [{}, {"a": 1}, {"a": {"b": [None]}}, {"f:metadata": {}}, {"f:spec": {"f:x": {}, ".": {}}}]
        return copy.deepcopy(random.choice(objects))

    def _struct(self, expected: Type, depth: int) -> dict[str, Any]:
        fields = schemas().fields(expected.definition)
        chance = 0.5 if depth < 2 else 0.2 if depth < 5 else 0.0
        return {
            name: self.value(field.type, _description(expected.definition, name), depth + 1)
            for name, field in fields.items()
            if (field.required and self.random.random() < 0.95) or self.random.random() < chance
        }

    def spoil(self, resource: Resource, obj: dict[str, Any], changes: int = 0) -> dict[str, Any]:
        """The object with some changes: what a schema allows, and now and then what none does. Changes ``obj``."""
        for _ in range(changes or self.random.choice((1, 1, 1, 2, 3, 6))):
            self._change(resource, obj)
        return obj

    def _change(self, resource: Resource, obj: dict[str, Any]) -> None:
        random = self.random
        places = list(_places(resource, obj))
        holder, key, expected, description = random.choice(places)
        draw = random.random()
        if draw < 0.70:
            holder[key] = self.value(expected, description)
        elif draw < 0.85:
            holder[key] = copy.deepcopy(random.choice(ODD))
        elif isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        elif draw < 0.95:
            holder.pop(key, None)
        else:
            holder[random.choice(STRINGS)] = copy.deepcopy(random.choice(ODD))

    def text(self, obj: Any) -> bytes:
        """The object as JSON, now and then with a value that is none, a repeated key, or cut short."""
        text = json.dumps(obj, ensure_ascii=self.random.random() < 0.5).encode("utf-8", "surrogatepass")
        draw = self.random.random()
        if draw < 0.8:
            return text
        if draw < 0.9:
            values = [match.span(1) for match in re.finditer(rb'[:\[,]\s*("[^"\\]*"|\d+|true|\{\}|\[\])', text)]
            if values:
                start, end = self.random.choice(values)
                return text[:start] + self.random.choice([*RAW, *DEEP]) + text[end:]
        if draw < 0.95:
            keys = list(re.finditer(rb'"[a-zA-Z]+": ', text))
            again = self.random.choice(keys)
            return text[: again.start()] + again[0] + b"null, " + text[again.start() :]
        at = self.random.randrange(len(text))
        return text[:at] + self.random.choice([b"", self.random.randbytes(2) + text[at:]])

    def yaml(self, obj: Any) -> bytes:
        """The object as YAML, now and then with what JSON does not have."""
        text = yaml.safe_dump(obj, allow_unicode=True).encode("utf-8", "surrogatepass")
        odd = [
            b"? [a, b]\n: c\n",
            b"&a a: *a\n",
            b"<<: {a: b}\n",
            b"x: !!binary eA==\n",
            b"x: !!python/name:os.system\n",
            b"x: 2026-01-01\n",
            b"x: .nan\n",
            b"x: .inf\n",
            b"data: {x: .nan}\n",
            b"x: 1e1000\n",
            b"data: 1" + b"0" * 400 + b"\n",
            b"data: {x: 2026-01-01, 1: 2, null: 3, true: 4, 1.5: 6}\n",
            b"data: " + b"[" * 300 + b"]" * 300 + b"\n",
            b"x: &x [1]\ny: [*x, *x]\n",
            b"\t",
            b"--- {}\n---\n",
            b"\x00",
            b"\xff",
        ]
        return text + self.random.choice(odd) if self.random.random() < 0.3 else text

    def bytes(self, data: bytes) -> bytes:
        """The bytes, changed here and there."""
        changed = bytearray(data)
        for _ in range(self.random.choice((0, 1, 1, 2, 5))):
            at = self.random.randrange(len(changed)) if changed else 0
            match self.random.randrange(4):
                case 0 if changed:
                    changed[at] ^= 1 << self.random.randrange(8)
                case 1 if changed:
                    changed[at] = self.random.choice((0, 1, 0x7F, 0x80, 0xFF))
                case 2:
                    del changed[at : at + self.random.randrange(1, 8)]
                case _:
                    changed[at:at] = self.random.randbytes(self.random.randrange(1, 5))
        return bytes(changed)


@cache
def _descriptions(definition: str) -> Mapping[str, str]:
    properties = schemas().definition(definition).get("properties") or {}
    return {name: schema.get("description", "") for name, schema in properties.items()}


def _description(definition: str, field: str) -> str:
    return _descriptions(definition).get(field, "")


def _places(resource: Resource, obj: dict[str, Any]) -> Iterator[tuple[Any, Any, Type, str]]:
    """Every place in the object that holds or could hold a value: its holder, key, type and description."""
    name = schemas().definition_name(resource.api_version, resource.kind)
    assert name is not None
    return _places_of(obj, schemas().type_of(name))


def _places_of(value: Any, expected: Type) -> Iterator[tuple[Any, Any, Type, str]]:
    if isinstance(value, dict) and expected.code is Code.STRUCT:
        for key, field in schemas().fields(expected.definition).items():
            yield value, key, field.type, _description(expected.definition, key)
            if key in value:
                yield from _places_of(value[key], field.type)
    elif isinstance(value, dict | list) and expected.item is not None:
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key, expected.item, ""
            yield from _places_of(value[key], expected.item)
