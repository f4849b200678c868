import orjson
import pytest

from apiserver.storage import encoding

POD = {
    "apiVersion": "v1",
    "spec": {"note": '"metadata":{"resourceVersion":"9"}'},
    "metadata": {"name": "p", "resourceVersion": "4", "labels": {"metadata": "x"}},
    "kind": "Pod",
}


def test_stored_bytes_begin_with_type_and_metadata_and_hold_no_resource_version():
    stored = encoding.encode_for_storage(POD)
    assert stored.startswith(b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","labels"')
    assert "resourceVersion" not in orjson.loads(stored)["metadata"]


def test_the_served_form_equals_the_object_with_its_revision():
    served = encoding.splice(encoding.encode_for_storage(POD), 123)
    assert orjson.loads(served) == {**POD, "metadata": {**POD["metadata"], "resourceVersion": "123"}}


def test_resplicing_changes_the_revision_only():
    stored = encoding.encode_for_storage(POD)
    (head, item), later = encoding.take_apart(stored, 99), encoding.take_apart(stored, 1000)
    assert (head, encoding.resplice(item, 99, 1000)) == later


def test_what_is_taken_apart_is_an_item_and_makes_the_served_form():
    stored = encoding.encode_for_storage(POD)
    head, item = encoding.take_apart(stored, 7)
    assert encoding.served_form(head, item) == encoding.splice(stored, 7)
    assert item == encoding.item_form(encoding.splice(stored, 7))


def test_an_item_has_neither_kind_nor_api_version():
    item = orjson.loads(encoding.item_form(encoding.splice(encoding.encode_for_storage(POD), 5)))
    assert item == {"spec": POD["spec"], "metadata": {**POD["metadata"], "resourceVersion": "5"}}


def test_decoding_a_stored_value_sets_the_revision():
    assert encoding.decode(encoding.encode_for_storage(POD), 7)["metadata"]["resourceVersion"] == "7"


@pytest.mark.parametrize(
    "obj",
    [
        pytest.param({"kind": "Pod", "apiVersion": "v1"}, id="no metadata"),
        pytest.param({"kind": "Pod", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}}, id="no name"),
        pytest.param({"apiVersion": "v1", "metadata": {"name": "p"}}, id="no kind"),
    ],
)
def test_what_could_not_be_served_is_not_stored(obj):
    with pytest.raises(ValueError, match="to be stored"):
        encoding.encode_for_storage(obj)
