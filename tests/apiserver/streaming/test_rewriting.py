from __future__ import annotations

import gzip

import pytest

from apiserver.streaming.rewriting import Rewriter

PREFIX = "/api/v1/namespaces/default/services/web/proxy"
REWRITER = Rewriter(PREFIX, "10.1.0.5:8080", "api.example:6443")


@pytest.mark.parametrize(
    ("url", "rewritten"),
    [
        pytest.param("/login", f"{PREFIX}/login", id="an absolute path"),
        pytest.param("/login/?next=%2Fa#top", f"{PREFIX}/login/?next=%2Fa#top", id="a slash, query and fragment stay"),
        pytest.param("/", f"{PREFIX}/", id="the root"),
        pytest.param("login", "login", id="a relative path"),
        pytest.param("http://10.1.0.5:8080/login", f"{PREFIX}/login", id="the backend by its address"),
        pytest.param("http://elsewhere/login", "http://elsewhere/login", id="another host"),
        pytest.param(
            "https://api.example:6443/login", f"https://api.example:6443{PREFIX}/login", id="the host that was asked"
        ),
        pytest.param(f"{PREFIX}/login", f"{PREFIX}/login", id="one that leads through the proxy already"),
        pytest.param("mailto:me@example.org", "mailto:me@example.org", id="no path at all"),
        pytest.param("http://[bad", "http://[bad", id="no URL"),
    ],
)
def test_urls(url: str, rewritten: str) -> None:
    assert REWRITER.url(url) == rewritten


@pytest.mark.parametrize(
    ("page", "rewritten"),
    [
        pytest.param('<a href="/x">x</a>', f'<a href="{PREFIX}/x">x</a>', id="a link"),
        pytest.param("<p>text &amp; more</p><br>", "<p>text &amp; more</p><br>", id="nothing to rewrite"),
        pytest.param(
            '<!DOCTYPE html>\n<img alt="a&quot;b" src=/i.png>\n<A HREF="rel">',
            f'<!DOCTYPE html>\n<img alt="a&quot;b" src="{PREFIX}/i.png">\n<A HREF="rel">',
            id="over several lines",
        ),
        pytest.param(
            "<script>if (a < b) x = '<a href=\"/x\">'</script>",
            "<script>if (a < b) x = '<a href=\"/x\">'</script>",
            id="what is only a script's text",
        ),
        pytest.param('<a title="/x">', '<a title="/x">', id="an attribute that is no URL"),
    ],
)
def test_pages(page: str, rewritten: str) -> None:
    result = REWRITER.page(page.encode(), "")
    assert result is not None
    assert result.decode() == rewritten


def test_a_compressed_page_stays_compressed() -> None:
    result = REWRITER.page(gzip.compress(b'<a href="/x">'), "gzip")
    assert result is not None
    assert gzip.decompress(result) == f'<a href="{PREFIX}/x">'.encode()


@pytest.mark.parametrize(("body", "encoding"), [(b"...", "br"), (b"not gzip", "gzip")])
def test_an_encoding_that_is_not_understood_is_left_alone(body: bytes, encoding: str) -> None:
    assert REWRITER.page(body, encoding) is None


def test_bytes_that_are_no_utf_8_survive() -> None:
    assert REWRITER.page(b"\xff<a href='/x'>\xfe", "") == b"\xff" + f'<a href="{PREFIX}/x">'.encode() + b"\xfe"
