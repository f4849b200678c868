from __future__ import annotations

import pytest

from apiserver.negotiation import JSON, PROTOBUF, YAML, Form, body_media_type, negotiate
from minikube_py.api.errors import NotAcceptable, UnsupportedMediaType

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        pytest.param("", Form(), id="nothing said"),
        pytest.param("*/*", Form(), id="anything"),
        pytest.param("application/json", Form(), id="JSON"),
        pytest.param("application/vnd.kubernetes.protobuf,application/json", Form(), id="protobuf, else JSON"),
        pytest.param("application/yaml", Form(YAML), id="YAML"),
        pytest.param("application/json;q=0.5,application/yaml", Form(YAML), id="YAML rather than JSON"),
        pytest.param(f"{TABLE},application/json", Form(JSON, "Table"), id="a table"),
        pytest.param("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", Form(), id="a table of old"),
        pytest.param("application/json;as=Fancy;v=v1;g=x,*/*", Form(), id="an unknown form, else anything"),
        pytest.param(
            "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
            Form(JSON, "PartialObjectMetadata"),
            id="metadata",
        ),
        pytest.param("application/json;stream=watch", Form(), id="a stream of JSON"),
        pytest.param("application/json;q=x,application/yaml", Form(YAML), id="a quality that is no number"),
    ],
)
def test_the_form_of_an_answer(accept: str, form: Form) -> None:
    assert negotiate(accept) == form


def test_an_answer_without_a_table_form_passes_the_table_over() -> None:
    assert negotiate(f"{TABLE},application/json", transforms=False) == Form()


@pytest.mark.parametrize("accept", [PROTOBUF, "text/html", "application/json;q=0", "application/json;as=Table;v=v9"])
def test_what_cannot_be_given_is_not_acceptable(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        negotiate(accept)


@pytest.mark.parametrize(
    ("content_type", "media_type"),
    [
        ("", JSON),
        ("application/json; charset=utf-8", JSON),
        ("Application/JSON", JSON),
        ("application/yaml", YAML),
        (PROTOBUF, PROTOBUF),
    ],
)
def test_the_form_of_a_body(content_type: str, media_type: str) -> None:
    assert body_media_type(content_type) == media_type


def test_an_unknown_body_is_refused() -> None:
    with pytest.raises(UnsupportedMediaType):
        body_media_type("text/plain")
