import gzip

import orjson
import pytest

from apiserver.listing import GROUP_BYTES, list_response
from minikube_py.api.resources import PODS

LARGE = b'{"pad":"%s"}' % (b"x" * (GROUP_BYTES // 2))


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([], id="nothing"),
        pytest.param([b'{"n":1}'], id="one item"),
        pytest.param([b'{"n":%d}' % n for n in range(1000)], id="many small items"),
        pytest.param([LARGE] * 7, id="several groups"),
        pytest.param([LARGE] * 4, id="whole groups"),
    ],
)
def test_the_groups_are_the_document_and_as_long_as_its_headers_say(items):
    response = list_response(PODS, 7, items, "next", 3)
    document = b"".join(response.groups())
    assert orjson.loads(document) == {
        "kind": "PodList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "7", "continue": "next", "remainingItemCount": 3},
        "items": [orjson.loads(item) for item in items],
    }
    assert response.headers["content-length"] == str(len(document))
    assert response.body == document


def test_no_group_is_much_larger_than_wanted():
    response = list_response(PODS, 7, [LARGE] * 9)
    assert max(map(len, response.groups())) < 2 * GROUP_BYTES


def test_a_body_that_was_rewritten_is_sent():
    response = list_response(PODS, 7, [b"{}"])
    response.body = b"other"
    assert list(response.groups()) == [b"other"]


async def test_a_compressed_list_is_the_document_in_pieces():
    items = [LARGE] * 5
    response = list_response(PODS, 7, items)
    document = response.body
    compressed = list_response(PODS, 7, items)
    compressed.compress()
    assert gzip.decompress(b"".join([piece async for piece in compressed.pieces()])) == document
    assert gzip.decompress(compressed.body) == document
    assert compressed.size == len(document)
    assert "content-length" not in compressed.headers
    assert (compressed.headers["content-encoding"], compressed.headers["vary"]) == ("gzip", "Accept-Encoding")


async def test_pieces_are_the_groups_where_nothing_is_compressed():
    response = list_response(PODS, 7, [LARGE] * 3)
    assert [piece async for piece in response.pieces()] == list(response.groups())
