import pytest
from pydantic import BaseModel, ConfigDict, Field

from minikube_py.cluster.components import Component, load_settings
from minikube_py.cluster.failures import UsageError

COMPONENT = Component("kubelet", "unused", "Runs pods.")


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kubeconfig: str = Field(description="Path")
    port: int = 10250
    cluster_dns: list[str] = []


def load(arguments: list[str], environment: dict[str, str] | None = None) -> Settings:
    loaded = load_settings(COMPONENT, Settings, arguments, environment or {})
    assert isinstance(loaded, Settings)
    return loaded


def test_flags_win_over_environment_and_environment_over_file(tmp_path):
    file = tmp_path / "kubelet.yaml"
    file.write_text("kubeconfig: from-file\nport: 1\ncluster_dns: [10.0.0.1]\n")
    loaded = load(
        ["--config", str(file), "--port", "3"],
        {"MINIKUBE_PY_KUBELET_PORT": "2", "MINIKUBE_PY_KUBELET_KUBECONFIG": "from-environment"},
    )
    assert loaded == Settings(kubeconfig="from-environment", port=3, cluster_dns=["10.0.0.1"])


def test_lists_are_comma_separated():
    assert load(["--kubeconfig=k", "--cluster-dns", "10.0.0.1,10.0.0.2"]).cluster_dns == ["10.0.0.1", "10.0.0.2"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("port: many\nkubeconfig: k\n", "port", id="a value of the wrong type"),
        pytest.param("prot: 1\nkubeconfig: k\n", "prot", id="an unknown setting"),
        pytest.param("port: 1\n", "kubeconfig", id="a missing setting"),
        pytest.param("- a list\n", "mapping", id="a file that is no mapping"),
        pytest.param("a: [", "--config", id="a file that is no YAML"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, text, named):
    file = tmp_path / "kubelet.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=named):
        load(["--config", str(file)])


def test_help_names_every_setting(capsys):
    with pytest.raises(SystemExit) as exit_:
        load(["--help"])
    assert exit_.value.code == 0
    printed = capsys.readouterr().out
    assert all(flag in printed for flag in ("--kubeconfig", "--port", "--cluster-dns", "--config"))
