import datetime

import pytest
from cryptography import x509

from minikube_py.cluster import pki
from minikube_py.cluster.failures import PkiError
from minikube_py.cluster.settings import ClusterSettings

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
SERVER = pki.Subject("server", dns_names=("localhost",), addresses=("127.0.0.1",), server=True)


@pytest.fixture(scope="module")
def authority() -> pki.Authority:
    return pki.create_authority(NOW)


def test_a_certificate_names_user_and_groups(authority):
    pem, _ = pki.issue(authority, pki.Subject("jane", ("dev", "ops")), NOW)
    subject = x509.load_pem_x509_certificate(pem).subject
    assert subject.rfc4514_string() == "CN=jane,O=ops,O=dev"


def test_a_fresh_certificate_is_kept(authority):
    pem, _ = pki.issue(authority, SERVER, NOW)
    assert not pki.needs_renewal(pem, authority, SERVER, NOW)


@pytest.mark.parametrize(
    ("subject", "at"),
    [
        pytest.param(SERVER, NOW + datetime.timedelta(days=340), id="it expires within a month"),
        pytest.param(pki.Subject("server", addresses=("192.0.2.9",), server=True), NOW, id="an address is new"),
        pytest.param(pki.Subject("other", addresses=("127.0.0.1",), server=True), NOW, id="the subject is another"),
    ],
)
def test_a_certificate_is_made_again(authority, subject, at):
    pem, _ = pki.issue(authority, SERVER, NOW)
    assert pki.needs_renewal(pem, authority, subject, at)


def test_a_foreign_certificate_is_made_again(authority):
    pem, _ = pki.issue(pki.create_authority(NOW), SERVER, NOW)
    assert pki.needs_renewal(pem, authority, SERVER, NOW)


def test_everything_is_made_once_and_kept(tmp_path):
    settings = ClusterSettings(data_dir=tmp_path, node_name="n", node_ip="192.0.2.7")

    def contents() -> dict[str, bytes]:
        return {str(file.relative_to(tmp_path)): file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}

    pki.ensure_pki(settings, NOW)
    first = contents()
    pki.ensure_pki(settings, NOW)
    assert contents() == first
    assert {"admin.conf", "kubelet.conf", "pki/ca.crt", "pki/sa.pub", "pki/apiserver.crt"} <= set(first)


def test_keys_are_private(tmp_path):
    pki.ensure_pki(ClusterSettings(data_dir=tmp_path, node_name="n", node_ip="192.0.2.7"), NOW)
    for file in [*(tmp_path / "pki").glob("*.key"), *tmp_path.glob("*.conf")]:
        assert file.stat().st_mode & 0o077 == 0, file


def test_a_new_address_renews_the_servers_certificate_only(tmp_path):
    settings = ClusterSettings(data_dir=tmp_path, node_name="n", node_ip="192.0.2.7")
    pki.ensure_pki(settings, NOW)
    before = (tmp_path / "pki/apiserver.crt").read_bytes(), (tmp_path / "pki/ca.crt").read_bytes()
    pki.ensure_pki(settings.model_copy(update={"node_ip": "192.0.2.8"}), NOW)
    after = (tmp_path / "pki/apiserver.crt").read_bytes(), (tmp_path / "pki/ca.crt").read_bytes()
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_a_key_without_its_certificate_is_not_overwritten(tmp_path):
    (tmp_path / "ca.key").write_text("kept")
    with pytest.raises(PkiError, match=r"ca\.crt is not"):
        pki.load_authority(tmp_path, NOW)
    assert (tmp_path / "ca.key").read_text() == "kept"


def test_an_expired_ca_is_named(tmp_path):
    pki.load_authority(tmp_path, NOW)
    with pytest.raises(PkiError, match="expired on"):
        pki.load_authority(tmp_path, NOW + 2 * pki.CA_LIFETIME)
