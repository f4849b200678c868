import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from apiserver.storage.encryption.config import Encryption
from apiserver.storage.encryption.providers import AesGcm, Identity, Key
from apiserver.storage.encryption.store import EncryptedStore
from apiserver.storage.etcd import EtcdStore
from apiserver.storage.memory import MemoryStore


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class EtcdMember:
    """An etcd of one's own, on free ports and with its data in a directory that goes with it."""

    def __init__(self, *arguments, scheme="http"):
        self.directory = Path(tempfile.mkdtemp(prefix="minikube-py-etcd-"))
        self.endpoint = f"127.0.0.1:{free_port()}"
        peer = f"http://127.0.0.1:{free_port()}"
        self.command = ["etcd", "--name=m", f"--data-dir={self.directory}/data", "--log-level=error"]
        client, metrics = f"{scheme}://{self.endpoint}", f"http://127.0.0.1:{free_port()}"
        self.command += [f"--listen-client-urls={client}", f"--advertise-client-urls={client}"]
        self.command += [f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"]
        self.command += [f"--initial-cluster=m={peer}", f"--listen-metrics-urls={metrics}"]
        self.health = f"{metrics}/health"
        self.command += ["--heartbeat-interval=10", "--election-timeout=100", *arguments]
        self.process = None

    def start(self):
        log = (self.directory / "log").open("ab")
        self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(self.health, timeout=1) as answer:
                    if b'"true"' in answer.read():
                        return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError((self.directory / "log").read_text())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def remove(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_etcd():
    member = EtcdMember()
    try:
        member.start()
        yield member
    finally:
        member.remove()


@pytest.fixture
def make_etcd():
    """Starts members, and removes them at the end of the test."""
    members = []

    def make(*arguments, scheme="http"):
        members.append(EtcdMember(*arguments, scheme=scheme))
        members[-1].start()
        return members[-1]

    yield make
    for member in members:
        member.remove()


@pytest.fixture
def etcd(make_etcd):
    return make_etcd()


@pytest.fixture
def small_etcd(make_etcd):
    return make_etcd("--quota-backend-bytes=2097152")


@pytest.fixture(params=["memory", "encrypted memory", pytest.param("etcd", marks=pytest.mark.etcd)])
async def store(request):
    if request.param == "memory":
        made = MemoryStore()
    elif request.param == "encrypted memory":
        made = EncryptedStore(MemoryStore(), Encryption([(["*.*"], [AesGcm([Key("k", b"k" * 32)]), Identity()])]))
    else:
        made = EtcdStore([request.getfixturevalue("shared_etcd").endpoint])
    yield made
    await made.close()
