import pytest

from minikube_py.cluster.components import COMPONENTS, settings_type
from minikube_py.cluster.processes import component_settings, etcd_command, process_specs
from minikube_py.cluster.settings import ClusterSettings


@pytest.fixture
def settings(tmp_path) -> ClusterSettings:
    return ClusterSettings(data_dir=tmp_path, node_name="n", node_ip="192.0.2.7", api_port=7443)


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_component_accepts_the_settings_written_for_it(settings, name):
    settings_type(COMPONENTS[name]).model_validate(component_settings(settings)[name])


def test_what_serves_others_is_started_first(settings):
    assert [spec.name for spec in process_specs(settings)][:2] == ["etcd", "apiserver"]
    waits = {spec.name: spec.after for spec in process_specs(settings)}
    assert waits["apiserver"] is None
    assert waits["kubelet"] == ("127.0.0.1", 7443)


def test_etcd_listens_on_loopback_only_and_syncs_to_disk(settings):
    words = etcd_command(settings)
    listens = [word for word in words if "-urls=" in word]
    assert len(listens) == 4
    assert all("http://127.0.0.1:" in word for word in listens)
    assert not any("fsync" in word for word in words)
