import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from minikube_py.cluster import supervisor
from minikube_py.cluster.cli import app
from minikube_py.cluster.commands import logs, reset, status, up
from minikube_py.cluster.failures import SettingsError, UsageError
from minikube_py.cluster.processes import component_settings
from minikube_py.cluster.settings import ClusterSettings


@pytest.fixture
def stored(tmp_path) -> ClusterSettings:
    settings = ClusterSettings(data_dir=tmp_path, node_name="n", node_ip="127.0.0.1", docker_host="unix:///nowhere")
    settings.save()
    return settings


def test_what_was_given_once_is_kept(stored, tmp_path):
    stored.model_copy(update={"api_port": 7443}).save()
    assert up.resolve_settings(tmp_path, {"api_port": None, "etcd_port": 7379}).ports()["api"][1] == 7443


def test_a_network_cannot_change_while_there_is_data(stored, tmp_path):
    with pytest.raises(SettingsError, match=r"pod-cidr is 10\.244\.0\.0/16 in the existing cluster"):
        up.resolve_settings(tmp_path, {"pod_cidr": "10.1.0.0/16"})


def test_a_value_that_cannot_be_used_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="kubernetes_version"):
        up.resolve_settings(tmp_path, {"kubernetes_version": "2.0"})


POLICY = "{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata}]}"


def test_a_file_for_the_api_server_is_named_absolutely_and_used(stored, tmp_path, monkeypatch):
    (tmp_path / "policy.yaml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    settings = up.resolve_settings(tmp_path, {"audit_policy_file": Path("policy.yaml")})
    told = component_settings(settings)["apiserver"]
    assert told["audit_policy_file"] == str(tmp_path / "policy.yaml")
    assert told["audit_log_path"] == str(tmp_path / "logs/audit.log")
    settings.save()
    assert up.resolve_settings(tmp_path, {}).audit_policy_file == tmp_path / "policy.yaml"


@pytest.mark.parametrize("flag", ["encryption_provider_config", "audit_policy_file"])
def test_a_file_for_the_api_server_that_can_not_be_used_is_a_usage_error(stored, tmp_path, flag):
    with pytest.raises(UsageError, match=f"--{flag.replace('_', '-')}: .*none.yaml"):
        up.resolve_settings(tmp_path, {flag: tmp_path / "none.yaml"})


def test_logs_prints_the_last_lines(tmp_path, capsys):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "kubelet.log").write_text("one\ntwo\nthree\n")
    logs.logs(tmp_path, "kubelet", follow=False, tail=2)
    assert capsys.readouterr().out == "two\nthree\n"


def test_logs_of_an_unknown_component_names_the_known(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "etcd.log").touch()
    with pytest.raises(SettingsError, match="there are logs of etcd"):
        logs.logs(tmp_path, "kublet", follow=False, tail=-1)


def test_reset_touches_no_directory_that_is_not_a_clusters(tmp_path):
    (tmp_path / "precious").write_text("kept")
    with pytest.raises(SettingsError, match="nothing was removed"):
        reset.reset(tmp_path)
    assert (tmp_path / "precious").read_text() == "kept"


def test_status_of_a_cluster_that_is_down_fails(stored, capsys):
    assert status.status(stored) == 1
    assert "The cluster is down" in capsys.readouterr().out


def test_memory_of_a_process_is_its_proportional_share():
    assert 1e6 < status.proportional_set_size(os.getpid()) < 1e9
    assert status.proportional_set_size(2**22 + 1) == 0


def test_an_orphans_pid_counts_only_with_its_command_line(tmp_path):
    (tmp_path / "run").mkdir()
    state = {"pid": 1, "processes": [{"name": "kubelet", "pid": os.getpid()}]}
    supervisor.state_file(tmp_path).write_text(json.dumps(state))
    assert supervisor.end_orphans(tmp_path) == []


def test_no_supervisor_is_told_from_a_lock_that_nobody_holds(tmp_path):
    assert supervisor.supervisor_pid(tmp_path) is None
    (tmp_path / "run").mkdir()
    supervisor.lock_file(tmp_path).write_text("1")
    assert supervisor.supervisor_pid(tmp_path) is None


def test_help_lists_every_command():
    printed = CliRunner().invoke(app, ["--help"]).output
    for command in ("up", "down", "status", "logs", "reset", "image", "apiserver", "kubelet", "proxy", "dns"):
        assert command in printed
