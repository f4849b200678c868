"""Pods that run the host's Python, for what busybox cannot do: a server of datagrams, for one."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

from harness import Cluster, http_get
from workloads import IMAGE

SERVER_PORTS = {"HTTP": 8080, "UDP": 8081, "TCP": 8082}
"""What a server pod speaks, and where; it answers with its host name."""

_SERVER = """
import http.server, socket, socketserver, threading

NAME = socket.gethostname().encode()

class Http(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", str(len(NAME)))
        self.end_headers()
        self.wfile.write(NAME)

class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(NAME, self.client_address)

class Stream(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(NAME)

socketserver.TCPServer.allow_reuse_address = True
for server in (
    http.server.ThreadingHTTPServer(("", HTTP), Http),
    socketserver.ThreadingUDPServer(("", UDP), Datagram),
    socketserver.ThreadingTCPServer(("", TCP), Stream),
):
    threading.Thread(target=server.serve_forever).start()
"""


def python_spec(**ports: int) -> dict[str, Any]:
    """A pod that serves on the ports given as ``UDP=…``, else on :data:`SERVER_PORTS`."""
    chosen = {**SERVER_PORTS, **ports}
    script = "".join(f"{name} = {port}\n" for name, port in chosen.items()) + _SERVER
    directories = [path for path in _libraries() if Path(path).is_dir()]
    return {
        "terminationGracePeriodSeconds": 0,
        "volumes": [{"name": f"v{n}", "hostPath": {"path": path}} for n, path in enumerate(directories)],
        "containers": [
            {
                "name": "c",
                "image": IMAGE,
                "command": [_interpreter(), "-c", script],
                "readinessProbe": {"tcpSocket": {"port": chosen["TCP"]}, "periodSeconds": 1},
                "volumeMounts": [
                    {"name": f"v{n}", "mountPath": path, "readOnly": True} for n, path in enumerate(directories)
                ],
            }
        ],
    }


def _interpreter() -> str:
    return str(Path(sys.executable).resolve())


def _libraries() -> list[str]:
    """The directories that the interpreter and what it is linked with live in."""
    usual = ["/usr", "/lib", "/lib64"]
    return usual if sys.base_prefix.startswith("/usr") else [*usual, sys.base_prefix]


def ask(address: str, protocol: str, port: int = 0, timeout: float = 2.0) -> str:
    """What a server answers to the host. Raises OSError where it does not."""
    port = port or SERVER_PORTS[protocol]
    if protocol == "HTTP":
        return http_get(f"http://{address}:{port}/", timeout=timeout)
    if protocol == "TCP":
        with socket.create_connection((address, port), timeout=timeout) as connection:
            return connection.recv(256).decode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(timeout)
        datagrams.connect((address, port))
        datagrams.send(b"?")
        return datagrams.recv(256).decode()


_CLIENT = """
import socket, sys, urllib.request
protocol, address, port = sys.argv[1:]
if protocol == "HTTP":
    print(urllib.request.urlopen(f"http://{address}:{port}/", timeout=2).read().decode())
    sys.exit()
with socket.socket(socket.AF_INET, socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM) as asking:
    asking.settimeout(2)
    asking.connect((address, int(port)))
    if protocol == "UDP":
        asking.send(b"?")
    print(asking.recv(256).decode())
"""


def ask_inside(cluster: Cluster, namespace: str, pod: str, address: str, protocol: str, port: int) -> str:
    """What a server answers to a pod that runs Python; empty where it does not."""
    command = (_interpreter(), "-c", _CLIENT, protocol, address, str(port))
    return cluster.run_kubectl("exec", pod, "-n", namespace, "--", *command).stdout.strip()


_SEARCH = """
import ctypes, sys
try:
    search = ctypes.CDLL(None).res_search
except AttributeError:
    search = ctypes.CDLL("libresolv.so.2").__res_search
answer = ctypes.create_string_buffer(4096)
length = search(sys.argv[1].encode(), 1, int(sys.argv[2]), answer, len(answer))
print(answer.raw[:max(length, 0)].hex())
"""


def searched(cluster: Cluster, namespace: str, pod: str, name: str, record: int) -> bytes:
    """The name server's message to the resolver of a pod that runs Python; empty where the search found nothing."""
    command = (_interpreter(), "-c", _SEARCH, name, str(record))
    return bytes.fromhex(cluster.run_kubectl("exec", pod, "-n", namespace, "--", *command).stdout.strip())
