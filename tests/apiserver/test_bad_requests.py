"""What is no proper request, over TLS: the answer tells what is wrong, and the server goes on."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import json
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from apiserver import server
from apiserver.main import run
from apiserver.settings import Settings
from minikube_py.cluster.pki import Subject, ensure_certificate, ensure_service_account_key, load_authority

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOW = datetime.datetime.now(datetime.UTC)
SECONDS = 20
"""The most that an answer may take on a machine that does much else."""
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
MAP = b'{"metadata":{"name":"x"}}'


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def failure(self) -> str:
        """The message of the Status that it is."""
        status = json.loads(self.body)
        assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", self.status)
        assert status["reason"]
        return str(status["message"])


class Client:
    """Sends bytes to the server."""

    def __init__(self, pki: Path, port: int) -> None:
        self._port = port
        self._context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        self._context.load_cert_chain(pki / "admin.crt", pki / "admin.key")

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._port, ssl=self._context, server_hostname="localhost")

    async def exchange(self, *parts: bytes) -> bytes:
        """Everything that comes back, until the server closes."""
        async with asyncio.timeout(SECONDS):
            reader, writer = await self.connect()
            try:
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                return await reader.read()
            except ConnectionError:
                return b""
            finally:
                writer.close()

    async def request(self, method: str, target: str | bytes, body: bytes = b"", *headers: str) -> Answer:
        """The answer to one request on a connection of its own."""
        raw = target if isinstance(target, bytes) else target.encode()
        lines = ["Host: x", "Connection: close", *headers]
        if body and not any(line.lower().startswith(("transfer-encoding", "content-length")) for line in lines):
            lines.append(f"Content-Length: {len(body)}")
        head = f"{method} ".encode() + raw + b" HTTP/1.1\r\n" + "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        return taken_apart(await self.exchange(head + body))

    async def is_well(self) -> None:
        assert (await self.request("GET", CONFIG_MAPS)).status == 200


def taken_apart(data: bytes) -> Answer:
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        _, _, rest = body.partition(b"\r\n")
        body = rest.rpartition(b"\r\n0\r\n")[0]
    return Answer(int(first.split(" ")[1]), headers, body)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    pki = tmp_path_factory.mktemp("pki")
    authority = load_authority(pki, NOW)
    here: dict[str, Any] = {"dns_names": ("localhost",), "addresses": ("127.0.0.1",), "server": True}
    ensure_certificate(authority, pki, "apiserver", Subject("kube-apiserver", **here), NOW)
    ensure_certificate(authority, pki, "admin", Subject("kubernetes-admin", ("system:masters",)), NOW)
    ensure_service_account_key(pki)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = Settings(
        etcd_servers=["memory"],
        bind_address="127.0.0.1",
        advertise_address="10.0.0.1",
        secure_port=port,
        tls_cert_file=str(pki / "apiserver.crt"),
        tls_private_key_file=str(pki / "apiserver.key"),
        client_ca_file=str(pki / "ca.crt"),
        service_account_key_file=str(pki / "sa.pub"),
        service_account_signing_key_file=str(pki / "sa.key"),
        request_timeout_seconds=2,
        shutdown_seconds=1,
    )
    stop = asyncio.Event()
    running = asyncio.ensure_future(run(settings, stop))
    found = Client(pki, port)
    try:
        async with asyncio.timeout(SECONDS):
            while not running.done():
                try:
                    if (await found.request("GET", "/readyz")).status == 200:
                        break
                except OSError:
                    await asyncio.sleep(0.02)
        yield found
    finally:
        stop.set()
        await running


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x00\x01\x02\x03\r\n\r\n", id="binary"),
        pytest.param(b"GET\r\n\r\n", id="no path"),
        pytest.param(b"GET / HTTP/9.9\r\n\r\n", id="a version that is not spoken"),
        pytest.param(b"GET / HTTP/1.1\r\nno colon\r\n\r\n", id="a header without a colon"),
        pytest.param(b"GET / HTTP/1.1\r\nA: b\r\n\x00: c\r\n\r\n", id="a header named by a null byte"),
        pytest.param(b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", id="an unknown method"),
        pytest.param(b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", id="a path that is not ASCII"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", id="a length that is no number"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", id="a negative length"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", id="a huge length"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", id="two lengths"),
        pytest.param(
            b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            id="a length and chunks, as who smuggles a request sends",
        ),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2 without asking"),
        pytest.param(b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n", id="a broken address"),
    ],
)
async def test_what_is_no_http_is_answered_in_plain_text(client: Client, data: bytes) -> None:
    answer = taken_apart(await client.exchange(data))
    assert answer.status == 400
    assert answer.headers["content-type"].startswith("text/plain")
    await client.is_well()


async def test_chunks_that_are_none(client: Client) -> None:
    head = f"POST {CONFIG_MAPS} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    assert taken_apart(await client.exchange(head, b"zz\r\n")).status == 400
    await client.is_well()


@pytest.mark.parametrize(
    ("target", "status"),
    [
        pytest.param("*", 404, id="no path at all"),
        pytest.param("//x", 404, id="two slashes"),
        pytest.param("/%", 404, id="an escape that is none"),
        pytest.param("/%ff%fe", 404, id="no UTF-8"),
        pytest.param("/%00", 404, id="a null byte"),
        pytest.param("/../etc/passwd", 404, id="dots"),
        pytest.param(f"{CONFIG_MAPS}/..", 404, id="dots for a name"),
        pytest.param(f"{CONFIG_MAPS}/%2e%2e%2fsecrets", 404, id="escaped dots"),
        pytest.param(f"{CONFIG_MAPS}/%ff", 404, id="a name that is no UTF-8"),
        pytest.param(f"{CONFIG_MAPS}/a%00b", 404, id="a name with a null byte"),
        pytest.param(f"{CONFIG_MAPS}/{'x' * 60_000}", 404, id="a long name"),
        pytest.param("/api/v1/namespaces/%2e%2e/configmaps/x", 404, id="dots for a namespace"),
        pytest.param("/api/v1/" + "a/" * 10_000, 404, id="many parts"),
        pytest.param("/apis/apps/v1/x", 404, id="no such kind"),
        pytest.param("/apis/apps/v9/deployments", 404, id="no such version"),
        pytest.param("/api/v1/watch", 404, id="a watch of nothing"),
        pytest.param(f"{CONFIG_MAPS}/x/y/z/w", 404, id="a path that is too long"),
        pytest.param("/openapi/v3/../v2", 404, id="dots in a document's path"),
    ],
)
async def test_paths_of_nothing(client: Client, target: str, status: int) -> None:
    answer = await client.request("GET", target)
    assert answer.status == status, answer
    if answer.headers["content-type"] == "application/json":
        assert answer.failure
    await client.is_well()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=x", 400),
        ("limit=1.5", 400),
        ("limit=99999999999999999999", 400),
        ("limit=%D9%A3", 400),
        ("resourceVersion=x", 400),
        ("resourceVersion=-1", 400),
        ("resourceVersion=99999999999999999999", 400),
        ("resourceVersion=%C2%B2", 400),
        ("resourceVersion=1&resourceVersionMatch=x", 422),
        ("resourceVersionMatch=Exact", 422),
        ("resourceVersion=0&resourceVersionMatch=Exact", 422),
        ("continue=x", 400),
        ("continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MCwic3RhcnQiOiJhIn0", 400),
        ("continue=%FF%FF", 400),
        ("continue=bnVsbA", 400),
        ("continue=W10", 400),
        ("watch=1&timeoutSeconds=x", 400),
        ("watch=1&timeoutSeconds=99999999999999999999", 400),
        ("watch=1&resourceVersion=x", 400),
        ("watch=1&sendInitialEvents=true", 422),
        ("labelSelector=%3D%3D", 400),
        ("labelSelector=a+in", 400),
        ("labelSelector=a+in+(((", 400),
        ("labelSelector=a+in+(b", 400),
        ("labelSelector=" + "(" * 5000, 400),
        ("labelSelector=!", 400),
        ("labelSelector=a%3Db%3Dc", 400),
        ("labelSelector=%00", 400),
        ("labelSelector=%FF", 400),
        ("labelSelector=a%3E%C2%B2", 400),
        ("labelSelector=a%3E" + "9" * 5000, 400),
        ("labelSelector=" + "x" * 60_000, 400),
        ("fieldSelector=a", 400),
        ("fieldSelector=a%3Db", 400),
        ("fieldSelector=metadata.name%3D%5C", 400),
        ("fieldSelector=%3D", 400),
    ],
)
async def test_parameters_of_lists_that_are_none(client: Client, query: str, status: int) -> None:
    answer = await client.request("GET", f"{CONFIG_MAPS}?{query}")
    assert answer.status == status, answer
    assert answer.failure
    await client.is_well()


@pytest.mark.parametrize(
    "query",
    [
        "timeoutSeconds=-1",
        "timeoutSeconds=x",
        "limit=-1",
        "x=%ff&%ff=x&=&&&",
        "a=" + "b" * 60_000,
        "&".join(f"a{number}=b" for number in range(5000)),
        "labelSelector=" + ",".join(f"a{number}" for number in range(5000)),
        "fieldSelector=" + ",".join(f"metadata.name!=a{number}" for number in range(2000)),
        "labelSelector=a+in+(,,)",
        "pretty=x",
        "includeObject=x",
    ],
)
async def test_odd_parameters_are_an_answer(client: Client, query: str) -> None:
    answer = await client.request("GET", f"{CONFIG_MAPS}?{query}")
    assert answer.status in (200, 400), answer
    if answer.status == 400:
        assert answer.failure


@pytest.mark.parametrize(
    "accept",
    [
        pytest.param("text/html", id="another type"),
        pytest.param("application/vnd.kubernetes.protobuf", id="protobuf"),
        pytest.param("application/json;as=X;v=v1;g=meta.k8s.io", id="a form that there is not"),
        pytest.param("application/json;as=Table;v=v9;g=meta.k8s.io", id="a form of another version"),
        pytest.param("x", id="no type"),
        pytest.param("\xff/\xfe", id="no ASCII"),
    ],
)
async def test_forms_that_are_not_spoken(client: Client, accept: str) -> None:
    answer = await client.request("GET", CONFIG_MAPS, b"", f"Accept: {accept}")
    assert answer.status == 406, answer
    assert answer.failure


@pytest.mark.parametrize(
    "accept", [";;;,,,", "*/*;q=x", "application/json;q=NaN", ",".join(["text/x"] * 5000) + ",*/*"]
)
async def test_odd_accept_headers_are_an_answer(client: Client, accept: str) -> None:
    answer = await client.request("GET", CONFIG_MAPS, b"", f"Accept: {accept}")
    assert answer.status in (200, 406), answer
    if answer.status == 406:
        assert answer.failure


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{CONFIG_MAPS}/x"),
        ("PUT", CONFIG_MAPS),
        ("PATCH", CONFIG_MAPS),
        ("CONNECT", CONFIG_MAPS),
        ("TRACE", CONFIG_MAPS),
        ("PROPFIND", CONFIG_MAPS),
        ("OPTIONS", CONFIG_MAPS),
        ("DELETE", "/api/v1/configmaps"),
        ("POST", "/api/v1/configmaps"),
        ("POST", "/apis"),
        ("DELETE", "/version"),
    ],
)
async def test_methods_that_are_not_for_a_path(client: Client, method: str, path: str) -> None:
    answer = await client.request(method, path, b"{}")
    assert answer.status in (400, 404, 405), answer
    await client.is_well()


@pytest.mark.parametrize(
    "content_type", ["text/plain", "x", "application/cbor", "multipart/form-data; boundary=a", "application/json-patch"]
)
async def test_bodies_of_another_type(client: Client, content_type: str) -> None:
    answer = await client.request("POST", CONFIG_MAPS, MAP, f"Content-Type: {content_type}")
    assert answer.status == 415, answer
    assert answer.failure


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "x"])
async def test_bodies_that_are_compressed(client: Client, coding: str) -> None:
    for method, path in (("POST", CONFIG_MAPS), ("PUT", f"{CONFIG_MAPS}/x"), ("PATCH", f"{CONFIG_MAPS}/x")):
        media_type = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = (f"Content-Type: {media_type}", f"Content-Encoding: {coding}")
        answer = await client.request(method, path, gzip.compress(MAP), *headers)
        assert answer.status == 415, answer
        assert coding in answer.failure


async def test_a_body_with_a_coding_that_changes_nothing(client: Client) -> None:
    answer = await client.request("POST", f"{CONFIG_MAPS}?dryRun=All", MAP, "Content-Encoding: identity")
    assert answer.status == 201, answer


@pytest.mark.parametrize("in_chunks", [pytest.param(False, id="with its length"), pytest.param(True, id="in chunks")])
async def test_bodies_that_are_too_large(client: Client, in_chunks: bool) -> None:
    body = b'{"metadata":{"name":"x"},"data":{"a":"' + b"x" * (3 * 1024 * 1024) + b'"}}'
    if in_chunks:
        answer = await client.request(
            "POST", CONFIG_MAPS, b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), "Transfer-Encoding: chunked"
        )
    else:
        answer = await client.request("POST", CONFIG_MAPS, body)
    assert answer.status == 413
    assert "limit is 3145728" in answer.failure
    await client.is_well()


async def test_a_body_in_many_chunks(client: Client) -> None:
    body = b"".join(b"1\r\n%c\r\n" % byte for byte in MAP) + b"0\r\n\r\n"
    answer = await client.request("POST", f"{CONFIG_MAPS}?dryRun=All", body, "Transfer-Encoding: chunked")
    assert answer.status == 201, answer


async def test_a_body_that_is_cut_short_is_waited_for_no_longer_than_a_request_may_take(client: Client) -> None:
    answer = await client.request("POST", CONFIG_MAPS, MAP, "Content-Length: 1000")
    assert answer.status == 504
    assert answer.failure
    assert (await client.request("GET", f"{CONFIG_MAPS}/x")).status == 404


async def test_a_client_that_leaves_amid_its_body(client: Client) -> None:
    reader, writer = await client.connect()
    writer.write(f"POST {CONFIG_MAPS} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode() + MAP)
    await writer.drain()
    writer.transport.abort()
    await client.is_well()
    assert (await client.request("GET", f"{CONFIG_MAPS}/x")).status == 404
    assert not await reader.read()


async def test_requests_one_behind_the_other(client: Client) -> None:
    many = b"".join(f"GET {CONFIG_MAPS}/{number} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for number in range(50))
    last = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answers = await client.exchange(many + last)
    found = [answers.index(f'configmaps \\"{number}\\" not found'.encode()) for number in range(50)]
    assert found == sorted(found)
    assert answers.endswith(b"ok")


async def test_http_1_0(client: Client) -> None:
    answer = taken_apart(await client.exchange(f"GET {CONFIG_MAPS}/x HTTP/1.0\r\n\r\n".encode()))
    assert (answer.status, answer.failure) == (404, 'configmaps "x" not found')


async def test_headers_that_are_too_large(client: Client) -> None:
    line = b"GET / HTTP/1.1\r\n"
    for bomb in (b"A: " + b"x" * (2 << 20), b"".join(b"A%d: b\r\n" % number for number in range(200_000))):
        answer = await client.exchange(line, bomb)
        assert not answer or taken_apart(answer).status == 431
    answer = await client.exchange(b"GET /" + b"x" * (2 << 20))
    assert not answer or taken_apart(answer).status == 431
    await client.is_well()


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n", id="half its headers"),
        pytest.param(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /", id="a request, and half of the next"),
    ],
)
async def test_a_connection_that_sends_no_request_is_closed(
    client: Client, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HEADERS_SECONDS", 0.3)
    assert (await client.exchange(sent)).endswith(b"ok" if b"livez" in sent else b"")


async def test_impersonation_and_tokens_that_are_none(client: Client) -> None:
    for header in ("Impersonate-User: \xff", "Impersonate-Group: a", "Impersonate-Uid: x"):
        answer = await client.request("GET", CONFIG_MAPS, b"", header)
        assert answer.status in (200, 400, 403), answer
    for token in ("", "x", "a.b.c", "\xff", "x" * 60_000, "eyJhbGciOiJub25lIn0.e30."):
        answer = await client.request("GET", CONFIG_MAPS, b"", f"Authorization: Bearer {token}")
        assert answer.status in (200, 401), answer
