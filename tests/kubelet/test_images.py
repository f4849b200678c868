from __future__ import annotations

import base64
import json

import pytest

from kubelet.fake_runtime import FakeRuntime
from kubelet.images import ImageFailure, ImageManager, parse_credentials
from kubelet.pod_events import PodEvents
from kubelet.runtime import RegistryAuth
from minikube_py.api.meta import Object
from minikube_py.runtime.clock import FakeClock

from .harness import Recorder
from .pods import container, pod


class Setting:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.runtime = FakeRuntime(self.clock.now)
        self.recorder = Recorder()
        self.manager = ImageManager(self.runtime, self.clock)

    async def ensure(self, policy: str = "IfNotPresent", image: str = "busybox", *auths: RegistryAuth) -> None:
        only = container(imagePullPolicy=policy, image=image)
        await self.manager.ensure(pod("p", only), only, PodEvents(self.recorder), auths)

    async def failure(self, policy: str = "IfNotPresent", image: str = "busybox") -> ImageFailure:
        with pytest.raises(ImageFailure) as caught:
            await self.ensure(policy, image)
        return caught.value


async def test_an_image_that_is_there_is_not_pulled() -> None:
    s = Setting()
    s.runtime.add_image("busybox")
    await s.ensure()
    assert not s.runtime.pulls
    assert s.recorder.messages("Pulled") == ['Container image "busybox" already present on machine']


async def test_policy_always_pulls_and_tells_how_long_it_took() -> None:
    s = Setting()
    s.runtime.registry["busybox"] = s.runtime.add_image("busybox", size_bytes=7)
    await s.ensure("Always")
    assert s.recorder.messages("Pulling") == ['Pulling image "busybox"']
    assert s.recorder.messages("Pulled") == [
        'Successfully pulled image "busybox" in 0s (0s including waiting). Image size: 7 bytes.'
    ]


async def test_policy_never_does_not_pull() -> None:
    s = Setting()
    failure = await s.failure("Never")
    assert failure.reason == "ErrImageNeverPull"
    assert not s.runtime.pulls


async def test_a_bad_name_is_refused_before_anything_else() -> None:
    s = Setting()
    failure = await s.failure(image="no good:")
    assert failure.reason == "InvalidImageName"
    assert s.recorder.reasons() == ["InspectFailed", "Failed"]


async def test_the_back_off_doubles_and_is_told() -> None:
    s = Setting()
    assert (await s.failure()).reason == "ErrImagePull"
    s.clock.advance(2)
    backing_off = await s.failure()
    assert backing_off.reason == "ImagePullBackOff"
    assert (backing_off.retry_at - s.clock.now()).total_seconds() == 8
    s.clock.advance(8)
    assert (await s.failure()).reason == "ErrImagePull"
    s.clock.advance(2)
    assert ((await s.failure()).retry_at - s.clock.now()).total_seconds() == 18
    assert len(s.runtime.pulls) == 2


AUTH = RegistryAuth("u", "p", "registry.example.com")


async def test_credentials_of_the_image_s_registry_are_used() -> None:
    s = Setting()
    s.runtime.registry["registry.example.com/x"] = s.runtime.add_image("y")
    await s.ensure("Always", "registry.example.com/x", RegistryAuth("a", "b", "other.example.com"), AUTH)
    assert s.runtime.pulls == [("registry.example.com/x", AUTH)]


def encoded(value: Object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


ENTRY = {"auth": base64.b64encode(b"u:p").decode()}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param({".dockerconfigjson": encoded({"auths": {"registry.example.com": ENTRY}})}, [AUTH], id="new form"),
        pytest.param({".dockercfg": encoded({"registry.example.com": ENTRY})}, [AUTH], id="old form"),
        pytest.param({".dockerconfigjson": "bm9uc2Vuc2U="}, [], id="nonsense"),
        pytest.param({}, [], id="nothing"),
    ],
)
def test_pull_secrets(data: dict[str, str], expected: list[RegistryAuth]) -> None:
    assert parse_credentials({"data": data}) == expected
