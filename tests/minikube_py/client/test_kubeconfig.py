import base64
import stat

import pytest

from minikube_py.client.kubeconfig import KubeConfig

CONFIG = KubeConfig(
    server="https://127.0.0.1:6443",
    ca_data=b"CA",
    client_certificate_data=b"CERT",
    client_key_data=b"KEY",
    namespace="default",
)


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "admin.conf"
    CONFIG.write(str(path), cluster="minikube-py")
    assert KubeConfig.load(str(path)) == CONFIG
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "current-context: kubernetes-admin@minikube-py" in path.read_text()


def test_files_are_named_relative_to_the_kubeconfig(tmp_path):
    (tmp_path / "ca.crt").write_bytes(b"CA")
    path = tmp_path / "kubelet.conf"
    path.write_text(
        """
clusters: [{name: c, cluster: {server: 'https://host:1/', certificate-authority: ca.crt}}]
users: [{name: u, user: {tokenFile: token}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""
    )
    config = KubeConfig.load(str(path))
    assert config.ca_data == b"CA"
    assert config.token_file == str(tmp_path / "token")
    assert config.server == "https://host:1"


def document(user: str = "{}", server: str = "https://h:1", context: str = "x") -> str:
    return f"""
clusters: [{{name: c, cluster: {{server: '{server}', certificate-authority-data: {base64.b64encode(b"CA").decode()}}}}}]
users: [{{name: u, user: {user}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: {context}
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: [", "not YAML", id="broken YAML"),
        pytest.param("[]", "expected a mapping", id="not a mapping"),
        pytest.param(document(context="y"), "contexts has no entry named 'y'", id="no such context"),
        pytest.param(document(server="ftp://h"), "server must be an http or https URL", id="no URL"),
        pytest.param(document(user="{exec: {}}"), "'exec' is not supported", id="exec plugin"),
        pytest.param(document(user="{client-key-data: '!'}"), "client-key-data is not base64", id="not base64"),
        pytest.param(document(user="{client-key: /nonexistent/key}"), "client-key: ", id="missing key file"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        KubeConfig.parse(text)


def test_a_missing_file_is_a_value_error(tmp_path):
    with pytest.raises(ValueError, match="No such file"):
        KubeConfig.load(str(tmp_path / "none"))
