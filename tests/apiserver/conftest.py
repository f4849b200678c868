"""A whole API server in this process, on the in-memory store, spoken to through its one endpoint."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from apiserver.app import Endpoint
from apiserver.authn.certificates import EXTENSION
from apiserver.bootstrap import bootstrap
from apiserver.core import Core
from apiserver.main import fill_caches, make_core
from apiserver.settings import Settings
from apiserver.storage.hub import WatchHub
from apiserver.storage.memory import MemoryStore
from apiserver.storage.store import Store
from minikube_py.runtime.clock import FakeClock
from minikube_py.runtime.tasks import Tasks

ADMIN = ("kubernetes-admin", "system:masters")


@dataclass(frozen=True)
class Answer:
    """An answer, taken apart."""

    status: int
    headers: dict[str, str]
    body: bytes
    warnings: tuple[str, ...] = ()

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def message(self) -> str:
        return str(self.json["message"])


class Api:
    """Sends requests as some user: a name followed by groups, or None for nobody."""

    def __init__(self, core: Core, hub: WatchHub) -> None:
        self.core = core
        self.hub = hub
        self._endpoint = Endpoint(core)

    async def respond(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: tuple[str, ...] | None = ADMIN,
        headers: dict[str, str] | None = None,
        receive: Callable[[], Awaitable[Any]] | None = None,
        extensions: dict[str, Any] | None = None,
    ) -> Response:
        route, _, query = path.partition("?")
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        peer = None
        if user is not None:
            groups = [("organizationName", group) for group in user[1:]]
            peer = {"notAfter": "Jan  1 00:00:00 2100 GMT", "subject": [[("commonName", user[0])], groups]}
        sent = {"content-type": "application/json", "accept": "application/json", **(headers or {})}
        scope = {
            "type": "http",
            "method": method,
            "path": route,
            "raw_path": quote(route).encode(),
            "query_string": query.encode(),
            "headers": [(k.lower().encode(), v.encode()) for k, v in sent.items()],
            "extensions": {EXTENSION: {"peer": peer}, **(extensions or {})},
        }
        messages = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive_all() -> Any:
            return messages.pop(0)

        return await self._endpoint.handle(Request(scope, receive or receive_all))

    async def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        response = await self.respond(method, path, body, **options)
        assert not isinstance(response, StreamingResponse), "use watch() for streams"
        warnings = tuple(v.decode() for k, v in response.raw_headers if k == b"warning")
        return Answer(response.status_code, dict(response.headers), bytes(response.body), warnings)

    async def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        answer = await self(method, path, body, **options)
        assert answer.status < 300, (answer.status, answer.body)
        return answer.json

    async def watch(self, path: str, **options: Any) -> AsyncIterator[Any]:
        response = await self.respond("GET", path, **options)
        assert isinstance(response, StreamingResponse), bytes(response.body)
        async for chunk in response.body_iterator:
            for line in bytes(chunk).splitlines():
                yield orjson.loads(line)


@pytest.fixture
def golden() -> Callable[[str], Any]:
    """Reads what a genuine API server answered."""
    return lambda name: orjson.loads((Path(__file__).parent / "golden" / f"{name}.json").read_bytes())


@pytest.fixture(scope="session")
def service_account_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (directory / "sa.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (directory / "sa.pub").write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return directory


@pytest.fixture
def settings(service_account_keys: Path) -> Settings:
    return Settings(
        etcd_servers=["memory"],
        advertise_address="10.0.0.1",
        tls_cert_file="unused",
        tls_private_key_file="unused",
        client_ca_file="unused",
        service_account_key_file=str(service_account_keys / "sa.pub"),
        service_account_signing_key_file=str(service_account_keys / "sa.key"),
    )


@pytest.fixture
def backing() -> Store:
    """What the server stores in; a module may have another."""
    return MemoryStore()


@pytest.fixture
async def api(settings: Settings, backing: Store) -> AsyncIterator[Api]:
    store = backing
    hub = WatchHub(store)
    core = make_core(settings, store, hub, clock=FakeClock())
    tasks = Tasks()
    tasks.start("hub", hub.run())
    await fill_caches(core)
    await bootstrap(core)
    core.bootstrapped = True
    served = Api(core, hub)
    await served.ok("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
    yield served
    await tasks.cancel_all()
    await store.close()
