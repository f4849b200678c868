import datetime
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apiserver.storage.etcd import EtcdStore
from apiserver.storage.etcd_calls import EtcdTls
from apiserver.storage.store import StoreUnavailable

pytestmark = pytest.mark.etcd


class Authority:
    """A certificate authority that writes PEM files into a directory."""

    def __init__(self, directory, name):
        self.directory, self.name = directory, name
        self.key, self.certificate = self.make(name, issuer=None)
        self.ca_file = self.write(f"{name}-ca.crt", self.certificate.public_bytes(serialization.Encoding.PEM))

    def make(self, common_name, issuer, days=1):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        now = datetime.datetime.now(datetime.UTC)
        addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        builder = (
            x509.CertificateBuilder(subject_name=subject, issuer_name=issuer.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=2))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
            .add_extension(addresses, critical=False)
        )
        return key, builder.sign(self.key if issuer else key, hashes.SHA256())

    def write(self, name, content):
        path = self.directory / name
        path.write_bytes(content)
        return str(path)

    def issue(self, common_name, days=1):
        """Paths of a certificate and its key."""
        key, certificate = self.make(common_name, self.certificate, days)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        encoded = certificate.public_bytes(serialization.Encoding.PEM)
        stem = f"{self.name}-{common_name}"
        return self.write(f"{stem}.crt", encoded), self.write(f"{stem}.key", pem)


@pytest.fixture
def serve(make_etcd, tmp_path):
    """Starts an etcd that asks for client certificates; its authority, and its endpoint."""

    def start(*, days=1):
        authority = Authority(tmp_path, "own")
        cert_file, key_file = authority.issue("server", days)
        arguments = [f"--cert-file={cert_file}", f"--key-file={key_file}"]
        arguments += ["--client-cert-auth", f"--trusted-ca-file={authority.ca_file}"]
        member = make_etcd(*arguments, scheme="https")
        return authority, f"https://{member.endpoint}"

    return start


async def test_client_and_server_know_each_other_by_certificate(serve):
    authority, endpoint = serve()
    store = EtcdStore([endpoint], tls=EtcdTls(authority.ca_file, *authority.issue("client")))
    assert await store.create("/a", b"1") == 2
    await store.close()


@pytest.mark.parametrize(
    ("days", "foreign", "cause"),
    [
        pytest.param(-1, False, "certificate has expired", id="an expired server certificate"),
        pytest.param(1, True, "CERTIFICATE_VERIFY_FAILED", id="a server of a foreign authority"),
    ],
)
async def test_a_server_that_cannot_be_trusted_is_refused_and_the_cause_named(serve, tmp_path, days, foreign, cause):
    authority, endpoint = serve(days=days)
    trusted = Authority(tmp_path, "foreign") if foreign else authority
    store = EtcdStore([endpoint], tls=EtcdTls(trusted.ca_file, *authority.issue("client")), timeout=1)
    with pytest.raises(StoreUnavailable, match=cause):
        await store.get("/a")
    await store.close()
