import aiohttp
import pytest

from minikube_py.runtime.serve import HealthServer


async def well() -> None:
    return None


async def ill() -> None:
    raise RuntimeError("etcd is away")


@pytest.fixture
async def base():
    server = HealthServer(0, {"ping": well}, ready_checks={"informers": ill})
    await server.start()
    yield f"http://127.0.0.1:{server.port}"
    await server.stop()


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        pytest.param("/healthz", 200, "ok", id="healthy"),
        pytest.param("/livez/ping", 200, "ok", id="one check"),
        pytest.param("/livez?verbose", 200, "[+]ping ok\nlivez check passed\n", id="verbose"),
        pytest.param(
            "/readyz", 500, "[+]ping ok\n[-]informers failed: etcd is away\nreadyz check failed\n", id="not ready"
        ),
        pytest.param("/readyz/none", 404, "no check named none\n", id="unknown check"),
    ],
)
async def test_health(base: str, path: str, status: int, text: str):
    async with aiohttp.ClientSession() as session, session.get(base + path) as response:
        assert response.status == status
        assert await response.text() == text


async def test_metrics(base: str):
    async with aiohttp.ClientSession() as session, session.get(base + "/metrics") as response:
        text = await response.text()
    for name in (
        "workqueue_depth",
        "workqueue_adds_total",
        "workqueue_queue_duration_seconds",
        "workqueue_work_duration_seconds",
        "workqueue_retries_total",
        "rest_client_requests_total",
        "leader_election_master_status",
        "process_resident_memory_bytes",
    ):
        assert f"# TYPE {name} " in text
