from minikube_py.api.hashing import fnv32a, pod_template_hash, safe_encode
from minikube_py.api.names import SUFFIX_ALPHABET


def test_digest_has_the_published_values() -> None:
    assert fnv32a(b"") == 0x811C9DC5
    assert fnv32a(b"a") == 0xE40C292C
    assert fnv32a(b"foobar") == 0xBF9CF968


def test_hash_depends_on_content_only() -> None:
    first = pod_template_hash({"a": 1, "b": [1, 2]})
    assert first == pod_template_hash({"b": [1, 2], "a": 1})
    assert first != pod_template_hash({"a": 1, "b": [2, 1]})
    assert first != pod_template_hash({"a": 1, "b": [1, 2]}, 0)
    assert set(first) <= set(SUFFIX_ALPHABET)
    assert len(first) <= 10


def test_safe_encoding_follows_upstream() -> None:
    assert safe_encode("0123456789") == "456789bcdf"
