import pytest
import yaml

from apiserver.storage.encryption.config import InvalidEncryptionConfiguration, load
from apiserver.storage.encryption.providers import AesGcm, Identity

SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def document(**changes):
    entry = {
        "resources": ["secrets", "configmaps"],
        "providers": [{"aesgcm": {"keys": [{"name": "k1", "secret": SECRET}]}}, {"identity": {}}],
    }
    return {
        "kind": "EncryptionConfiguration",
        "apiVersion": "apiserver.config.k8s.io/v1",
        "resources": [entry | changes],
    }


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "encryption.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return str(path)

    return write


def test_a_kind_has_the_providers_of_the_entry_that_names_it(written):
    encryption = load(written(document()))
    assert [type(provider) for provider in encryption.providers("", "secrets")] == [AesGcm, Identity]
    assert encryption.providers("", "pods") == []
    assert encryption.providers("apps", "secrets") == []


@pytest.mark.parametrize(
    ("resource", "group", "plural"),
    [
        pytest.param("deployments.apps", "apps", "deployments", id="a kind of a group"),
        pytest.param("*.apps", "apps", "deployments", id="a whole group"),
        pytest.param("*.", "", "secrets", id="the whole core group"),
        pytest.param("*.*", "batch", "jobs", id="everything"),
    ],
)
def test_wildcards(written, resource, group, plural):
    assert load(written(document(resources=[resource]))).providers(group, plural)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param("[", "expected", id="no YAML"),
        pytest.param({"kind": "Other"}, "kind", id="another kind"),
        pytest.param(document(providers=[{"kms": {"name": "x"}}]), "kms is not supported", id="kms"),
        pytest.param(document(providers=[{"secretbox": {}}]), "secretbox is not supported", id="secretbox"),
        pytest.param(document(providers=[{}]), "exactly one provider", id="no provider"),
        pytest.param(document(providers=[]), "providers", id="an empty list"),
        pytest.param(document(typo=1), "typo", id="an unknown field"),
        pytest.param(
            document(providers=[{"aesgcm": {"keys": [{"name": "k", "secret": "YWJj"}]}}]),
            "16, 24 or 32 bytes long, not 3",
            id="a short key",
        ),
        pytest.param(
            document(providers=[{"aesgcm": {"keys": [{"name": "k", "secret": "?"}]}}]), "base64", id="not base64"
        ),
    ],
)
def test_what_is_wrong_is_said(written, content, problem):
    with pytest.raises(InvalidEncryptionConfiguration, match=problem) as failure:
        load(written(content))
    assert "YWJj" not in str(failure.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InvalidEncryptionConfiguration, match="No such file"):
        load(str(tmp_path / "none"))
