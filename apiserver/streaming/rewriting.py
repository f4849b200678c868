"""URLs in a backend's answers, changed to lead through the proxy. Pure; follows upstream's ``proxy.Transport``."""

from __future__ import annotations

import gzip
import html
import posixpath
import zlib
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit, urlunsplit

_ATTRIBUTES: Final = {
    "a": ("href",),
    "applet": ("codebase",),
    "area": ("href",),
    "audio": ("src",),
    "base": ("href",),
    "blockquote": ("cite",),
    "body": ("background",),
    "button": ("formaction",),
    "command": ("icon",),
    "del": ("cite",),
    "embed": ("src",),
    "form": ("action",),
    "frame": ("longdesc", "src"),
    "head": ("profile",),
    "html": ("manifest",),
    "iframe": ("longdesc", "src"),
    "img": ("longdesc", "src", "usemap"),
    "input": ("src", "usemap", "formaction"),
    "ins": ("cite",),
    "link": ("href",),
    "object": ("classid", "codebase", "data", "usemap"),
    "q": ("cite",),
    "script": ("src",),
    "source": ("src",),
    "video": ("poster", "src"),
}
"""The attributes of HTML elements that hold URLs."""


@dataclass(frozen=True, slots=True)
class Rewriter:
    """Rewrites URLs of one answer: ``prefix`` is the proxy's path, the hosts are the backend's and the one asked."""

    prefix: str
    backend_host: str
    request_host: str

    def url(self, text: str) -> str:
        """The URL through the proxy where it is an absolute path of the backend; unchanged otherwise."""
        try:
            parts = urlsplit(text)
        except ValueError:
            return text
        if parts.netloc and parts.netloc not in (self.backend_host, self.request_host):
            return text
        if not parts.path.startswith("/"):
            return text
        scheme, netloc = "", ""
        if parts.netloc == self.request_host:
            scheme, netloc = parts.scheme, parts.netloc
        path = parts.path
        if not path.startswith(self.prefix):
            path = posixpath.normpath(f"{self.prefix}/{path}")
            if parts.path.endswith("/"):
                path += "/"
        return urlunsplit((scheme, netloc, path, parts.query, parts.fragment))

    def page(self, body: bytes, encoding: str) -> bytes | None:
        """An HTML page with its URLs rewritten, in the encoding it came in; None where that is not understood."""
        try:
            plain = _decoded(body, encoding)
        except (OSError, EOFError, zlib.error):
            return None
        if plain is None:
            return None
        text = plain.decode("utf-8", "surrogateescape")
        finder = _Links(text, self)
        finder.feed(text)
        finder.close()
        rewritten = finder.rewritten().encode("utf-8", "surrogateescape")
        return gzip.compress(rewritten, mtime=0) if encoding == "gzip" else rewritten


def _decoded(body: bytes, encoding: str) -> bytes | None:
    if not encoding:
        return body
    return gzip.decompress(body) if encoding == "gzip" else None


class _Links(HTMLParser):
    """Finds the start tags that hold URLs, and what they become."""

    def __init__(self, text: str, rewriter: Rewriter) -> None:
        super().__init__(convert_charrefs=False)
        self._text = text
        self._rewriter = rewriter
        self._lines = [0]
        for line in text.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self._changes: list[tuple[int, int, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """For the parser."""
        self._take(tag, attrs, "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """For the parser."""
        self._take(tag, attrs, "/")

    def _take(self, tag: str, attrs: list[tuple[str, str | None]], end: str) -> None:
        names = _ATTRIBUTES.get(tag)
        raw = self.get_starttag_text()
        if names is None or raw is None:
            return
        new = [(key, self._rewriter.url(value) if key in names and value else value) for key, value in attrs]
        if new == attrs:
            return
        line, column = self.getpos()
        start = self._lines[line - 1] + column
        shown = "".join(f" {key}" if value is None else f' {key}="{html.escape(value)}"' for key, value in new)
        self._changes.append((start, start + len(raw), f"<{tag}{shown}{end}>"))

    def rewritten(self) -> str:
        """The whole text with the changed tags."""
        pieces, at = [], 0
        for start, end, new in self._changes:
            pieces += [self._text[at:start], new]
            at = end
        return "".join([*pieces, self._text[at:]])
