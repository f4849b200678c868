import pytest
from pydantic import ValidationError

from minikube_py.cluster.failures import SettingsError
from minikube_py.cluster.settings import ClusterSettings, require_settings, stored_settings


def test_addresses_follow_the_service_cidr():
    settings = ClusterSettings(service_cidr="10.96.0.0/12")
    assert (settings.api_address, settings.dns_address) == ("10.96.0.1", "10.96.0.10")


def test_names_are_customary_in_the_default_directory():
    settings = ClusterSettings()
    assert (settings.bridge, settings.nft_table) == ("cni0", "minikube-py")


def test_names_differ_between_directories(tmp_path):
    one, two = ClusterSettings(data_dir=tmp_path / "a"), ClusterSettings(data_dir=tmp_path / "b")
    assert len({one.bridge, two.bridge, "cni0"}) == 3
    assert len({one.nft_table, two.nft_table, "minikube-py"}) == 3
    assert len(one.bridge) <= 15


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("kubernetes_version", "1.24", id="a version before the first"),
        pytest.param("kubernetes_version", "latest", id="a version that is none"),
        pytest.param("pod_cidr", "10.0.0.0", id="a network too small for nodes"),
        pytest.param("pod_cidr", "fd00::/64", id="an IPv6 network"),
        pytest.param("service_cidr", "10.244.0.0/24", id="networks that overlap"),
        pytest.param("node_ip", "host", id="an address that is none"),
        pytest.param("node_port_range", "32767-30000", id="a range upside down"),
        pytest.param("api_port", 0, id="port zero"),
        pytest.param("no_such", 1, id="an unknown setting"),
    ],
)
def test_what_cannot_be_used_is_refused(field, value):
    with pytest.raises(ValidationError):
        ClusterSettings.model_validate({field: value})


def test_a_patch_version_is_taken_as_its_minor():
    assert ClusterSettings(kubernetes_version="v1.31.4").kubernetes_version == "1.31"


def test_settings_come_back_as_saved(tmp_path):
    settings = ClusterSettings(data_dir=tmp_path, node_ip="192.0.2.7", api_port=7443)
    settings.save()
    assert stored_settings(tmp_path) == settings


def test_no_cluster_is_said_so(tmp_path):
    assert stored_settings(tmp_path) is None
    with pytest.raises(SettingsError, match="no cluster in"):
        require_settings(tmp_path)


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "cluster.yaml").write_text("api_port: many\n")
    with pytest.raises(SettingsError, match=r"cluster\.yaml can't be used"):
        stored_settings(tmp_path)
