import base64
import struct
from typing import Any

import pytest

from minikube_py.api.protobuf import MAGIC, ProtobufError, decode_request
from minikube_py.api.schema import Schemas

CREATE_DEPLOYMENT = base64.b64decode(
    "azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50ErgBCh8KA3dlYhIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEoYBCAASDAoKCgNhcHASA3dlYhps"
    "ChwKABIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEkwSLgoFbmdpbngSBW5naW54KgAyCgoAEAAYUCIAKgBCAGoAcgCAAQCIAQCQAQCiAQAaADIA"
    "QgBKAFIAWABgAGgAggEAigEAmgEAwgEAIgIKACgAOAAaDAgAEAAYACAAKAA4ABoAIgA="
)
"""What kubectl 1.32 sends for ``create deployment web --image=nginx --replicas=0 --port=80``."""


def varint(number: int) -> bytes:
    number &= 2**64 - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def message(*fields: tuple[int, Any]) -> bytes:
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        elif isinstance(value, float):
            out += varint(number << 3 | 1) + struct.pack("<d", value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def body(api_version: str, kind: str, content: bytes) -> bytes:
    return MAGIC + message((1, message((1, api_version), (2, kind))), (2, content), (3, ""), (4, ""))


def test_what_kubectl_sends(schemas: Schemas) -> None:
    decoded = decode_request(CREATE_DEPLOYMENT, schemas)
    checked = schemas.decode_check("apps/v1", "Deployment", decoded)
    assert (checked.type_errors, checked.unknown) == ([], [])
    container = {"name": "nginx", "image": "nginx", "ports": [{"containerPort": 80}], "resources": {}}
    assert checked.pruned == {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
            "strategy": {},
        },
        "status": {},
    }


TIME = message((1, 1795223244), (2, 123456789))


@pytest.mark.parametrize(
    ("kind", "content", "decoded"),
    [
        pytest.param(("v1", "Pod"), message((1, message((8, TIME)))),
                     {"metadata": {"creationTimestamp": "2026-11-21T01:07:24Z"}}, id="a time"),
        pytest.param(("v1", "Pod"), message((1, message((8, b"")))), {"metadata": {}}, id="no time"),
        pytest.param(("coordination.k8s.io/v1", "Lease"), message((2, message((4, TIME)))),
                     {"spec": {"renewTime": "2026-11-21T01:07:24.123456Z"}}, id="microseconds"),
        pytest.param(("v1", "Service"),
                     message((2, message((1, message((4, message((1, 1), (2, 0), (3, "web")))))))),
                     {"spec": {"ports": [{"targetPort": "web"}]}}, id="text for int or string"),
        pytest.param(("v1", "Service"), message((2, message((1, message((4, message((1, 0), (2, 80)))))))),
                     {"spec": {"ports": [{"targetPort": 80}]}}, id="a number for int or string"),
        pytest.param(("v1", "Secret"), message((2, message((1, "a"), (2, b"\0\xff")))), {"data": {"a": "AP8="}},
                     id="a map of bytes"),
        pytest.param(("v1", "ConfigMap"), message((2, message((1, "a")))), {"data": {"a": ""}},
                     id="a map entry without value"),
        pytest.param(("v1", "Pod"), message((2, message((32, message((1, "cpu"), (2, message((1, "250m")))))))),
                     {"spec": {"overhead": {"cpu": "250m"}}}, id="a map of quantities"),
        pytest.param(("v1", "Pod"),
                     message((2, message((1, message((1, "v"), (2, message((2, message((1, "Memory")))))))))),
                     {"spec": {"volumes": [{"name": "v", "emptyDir": {"medium": "Memory"}}]}}, id="an inlined source"),
        pytest.param(("v1", "Pod"), message((1, message((17, message((7, message((1, b'{"f:a":{}}')))))))),
                     {"metadata": {"managedFields": [{"fieldsV1": {"f:a": {}}}]}}, id="raw JSON"),
        pytest.param(("v1", "Node"), message((2, message((4, 1)))), {"spec": {"unschedulable": True}}, id="a boolean"),
        pytest.param(("v1", "Pod"), message((2, message((25, -5)))), {"spec": {"priority": -5}}, id="a negative"),
        pytest.param(("v1", "DeleteOptions"), message((1, 30), (4, "Foreground")),
                     {"gracePeriodSeconds": 30, "propagationPolicy": "Foreground"}, id="options of any group"),
        pytest.param(("v1", "Pod"), message((99, "x"), (98, 1), (97, 1.5)), {}, id="unknown fields are skipped"),
    ],
)  # fmt: skip
def test_messages(schemas: Schemas, kind: tuple[str, str], content: bytes, decoded: Any) -> None:
    expected = {"apiVersion": kind[0], "kind": kind[1], **decoded}
    assert decode_request(body(*kind, content), schemas) == expected


def test_extra_values_of_a_user(schemas: Schemas) -> None:
    entry = message((1, "scopes"), (2, message((1, "a"), (1, "b"))))
    review = body("authorization.k8s.io/v1", "SubjectAccessReview", message((2, message((3, "ann"), (5, entry)))))
    assert decode_request(review, schemas)["spec"] == {"user": "ann", "extra": {"scopes": ["a", "b"]}}


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        pytest.param(b"{}", "expected prefix", id="JSON"),
        pytest.param(b"", "expected prefix", id="nothing"),
        pytest.param(MAGIC, "is missing", id="no envelope"),
        pytest.param(body("v1", "Nothing", b""), 'no kind "Nothing"', id="unknown kind"),
        pytest.param(body("v1", "Pod", b"\x0a\x05ab"), "unexpected EOF", id="a field cut short"),
        pytest.param(body("v1", "Pod", b"\x0b"), "wireType 3", id="a group"),
        pytest.param(body("v1", "Pod", message((1, 5))), "wrong wireType", id="a number for a message"),
        pytest.param(body("v1", "Pod", message((1, message((1, b"\xff"))))), "invalid UTF-8", id="bytes for text"),
        pytest.param(body("v1", "Pod", message((1, message((8, message((1, 2**62))))))), "range", id="no such time"),
        pytest.param(body("v1", "Pod", b"\xff" * 11), "overflow", id="an endless number"),
    ],
)
def test_malformed_bodies_are_refused(schemas: Schemas, data: bytes, cause: str) -> None:
    with pytest.raises(ProtobufError, match=cause):
        decode_request(data, schemas)


def test_every_truncation_is_an_error_or_a_shorter_object(schemas: Schemas) -> None:
    for length in range(len(CREATE_DEPLOYMENT)):
        try:
            decode_request(CREATE_DEPLOYMENT[:length], schemas)
        except ProtobufError:
            continue
        # Only a cut between the fields of the envelope leaves a whole message.
        assert length in (27, len(CREATE_DEPLOYMENT) - 4, len(CREATE_DEPLOYMENT) - 2)


def test_endless_nesting_is_refused(schemas: Schemas) -> None:
    nested = b""
    for _ in range(200):
        nested = message((28, nested))
    version = message((4, message((1, nested))))
    definition = message((2, message((7, version))))
    with pytest.raises(ProtobufError, match="nested"):
        decode_request(body("apiextensions.k8s.io/v1", "CustomResourceDefinition", definition), schemas)
