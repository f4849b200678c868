import pytest

from apiserver.storage.http2 import hpack


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        pytest.param(
            "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", [":authority", "www.example.com"], id="plain"
        ),
        pytest.param("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", [":authority", "www.example.com"], id="coded"),
    ],
)
def test_the_examples_of_the_standard_are_read(block, expected):
    headers = hpack.decode(bytes.fromhex(block))
    assert headers == ((":method", "GET"), (":scheme", "http"), (":path", "/"), tuple(expected))


def test_what_is_written_is_read_back():
    headers = ((":path", "/etcdserverpb.KV/Txn"), ("empty", ""), ("long", "x" * 126), ("longer", "y" * 1000))
    assert hpack.decode(hpack.encode(headers)) == headers


def test_a_table_of_size_zero_may_be_announced():
    assert hpack.decode(b"\x20\x88") == ((":status", "200"),)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b"\x80", id="an index of zero"),
        pytest.param(b"\xbe", id="an index beyond the static table"),
        pytest.param(b"\x3f\xe1\x1f", id="a dynamic table"),
        pytest.param(b"\x00\x05abc", id="a name that is cut off"),
        pytest.param(b"\x00\x01a", id="a value that is missing"),
        pytest.param(b"\x00\x01a\x7f\xff\xff\xff\xff\xff\xff", id="a length that is too large"),
        pytest.param(b"\x00\x01a\x84\xff\xff\xff\xff", id="the code of a string's end"),
        pytest.param(b"\x00\x01a\x81\x18", id="wrong padding"),
    ],
)
def test_what_cannot_be_read_is_refused(block):
    with pytest.raises(hpack.HeaderError):
        hpack.decode(block)


def test_a_header_that_is_too_long_is_not_written():
    with pytest.raises(ValueError, match="too long"):
        hpack.encode([("a", "x" * 20_000)])
