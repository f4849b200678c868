"""A server whose Secrets are sealed in the store."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from apiserver.main import fill_caches, make_core
from apiserver.settings import Settings
from apiserver.storage.encryption.config import Encryption
from apiserver.storage.encryption.providers import AesGcm, Identity, Key, Provider
from apiserver.storage.encryption.store import EncryptedStore
from apiserver.storage.hub import WatchHub
from apiserver.storage.memory import MemoryStore
from apiserver.storage.store import Unreadable
from minikube_py.api.resources import CONFIG_MAPS
from minikube_py.api.resources import SECRETS as SECRET_ROW
from minikube_py.runtime.clock import FakeClock
from minikube_py.runtime.tasks import Tasks

SECRETS = "/api/v1/namespaces/default/secrets"
KEY = "/registry/core/secrets/default/s"
TEXT = base64.b64encode(b"hunter2").decode()
BODY = {"metadata": {"name": "s"}, "data": {"password": TEXT}}


@pytest.fixture
def raw() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def providers() -> list[Provider]:
    return [Identity()]


@pytest.fixture
def backing(raw: MemoryStore, providers: list[Provider]) -> EncryptedStore:
    return EncryptedStore(raw, Encryption([(["secrets"], providers)]))


async def test_a_secret_is_sealed_once_a_key_is_there_and_resealed_by_a_write_that_changes_nothing(
    api: Any, raw: MemoryStore, providers: list[Provider]
) -> None:
    await api.ok("POST", SECRETS, BODY)
    assert TEXT.encode() in (await raw.get(KEY)).value
    old, new = Key("old", b"o" * 32), Key("new", b"n" * 32)
    for keys in ([old], [new, old]):
        providers.insert(0, AesGcm(keys))
        secret = await api.ok("GET", f"{SECRETS}/s")
        assert secret["data"] == {"password": TEXT}
        await api.ok("PUT", f"{SECRETS}/s", secret)
        stored = (await raw.get(KEY)).value
        assert stored.startswith(f"k8s:enc:aesgcm:v1:{keys[0].name}:".encode())
        again = await api.ok("PUT", f"{SECRETS}/s", await api.ok("GET", f"{SECRETS}/s"))
        assert (await raw.get(KEY)).value == stored, again


async def test_a_lost_key_is_told_and_other_kinds_go_on(api: Any, raw: MemoryStore, providers: list[Provider]) -> None:
    lost = EncryptedStore(raw, Encryption([(["secrets"], [AesGcm([Key("lost", b"l" * 32)])])]))
    await lost.create(KEY, b"{}")
    answer = await api("GET", f"{SECRETS}/s")
    assert (answer.status, answer.json["reason"]) == (500, "InternalError")
    assert f'unable to transform key "{KEY}": identity transformer tried to read encrypted data' in answer.message
    assert (await api("GET", SECRETS)).status == 500
    await api.ok("GET", "/api/v1/namespaces/default/serviceaccounts")
    await raw.delete(KEY, expected_revision=(await raw.get(KEY)).revision)
    assert (await api.ok("GET", SECRETS))["items"] == []


async def test_a_server_starts_all_the_same_and_tells_of_the_kind_when_it_is_asked_for(
    settings: Settings, raw: MemoryStore, backing: EncryptedStore
) -> None:
    lost = EncryptedStore(raw, Encryption([(["secrets"], [AesGcm([Key("lost", b"l" * 32)])])]))
    await lost.create(KEY, b"{}")
    hub = WatchHub(backing)
    core = make_core(settings, backing, hub, clock=FakeClock())
    tasks = Tasks()
    tasks.start("hub", hub.run())
    await fill_caches(core)
    assert core.caches[CONFIG_MAPS].synced
    with pytest.raises(Unreadable):
        await core.caches[SECRET_ROW].ready(1)
    await tasks.cancel_all()
