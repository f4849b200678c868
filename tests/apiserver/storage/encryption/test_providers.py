import pytest

from apiserver.storage.encryption.providers import AesCbc, AesGcm, CannotOpen, Identity, Key

OLD, NEW = Key("old", b"o" * 32), Key("new", b"n" * 32)
PLACE = b"/registry/core/secrets/default/s"


@pytest.mark.parametrize("provider", [AesGcm, AesCbc], ids=["aesgcm", "aescbc"])
class TestKeyed:
    def test_what_is_sealed_is_opened(self, provider):
        sealed = provider([NEW]).seal(b"secret", PLACE)
        assert sealed.startswith(f"k8s:enc:{provider.name}:v1:new:".encode())
        assert b"secret" not in sealed
        assert provider([NEW]).open(sealed, PLACE) == (b"secret", True)

    def test_no_value_is_sealed_the_same_twice(self, provider):
        assert provider([NEW]).seal(b"secret", PLACE) != provider([NEW]).seal(b"secret", PLACE)

    def test_an_older_key_opens_and_tells_so(self, provider):
        sealed = provider([OLD]).seal(b"secret", PLACE)
        assert provider([NEW, OLD]).open(sealed, PLACE) == (b"secret", False)

    def test_an_unknown_key_opens_nothing(self, provider):
        sealed = provider([OLD]).seal(b"secret", PLACE)
        with pytest.raises(CannotOpen, match="no matching key"):
            provider([NEW]).open(sealed, PLACE)

    def test_the_empty_value(self, provider):
        assert provider([NEW]).open(provider([NEW]).seal(b"", PLACE), PLACE) == (b"", True)

    def test_a_truncated_value_is_refused(self, provider):
        with pytest.raises(CannotOpen):
            provider([NEW]).open(provider([NEW]).seal(b"secret", PLACE)[:-5], PLACE)


def test_a_value_moved_elsewhere_is_refused():
    sealed = AesGcm([NEW]).seal(b"secret", PLACE)
    with pytest.raises(CannotOpen, match="authentication failed"):
        AesGcm([NEW]).open(sealed, PLACE + b"2")


def test_identity_leaves_values_alone_and_opens_none_that_is_sealed():
    assert Identity().seal(b"plain", PLACE) == b"plain"
    assert Identity().open(b"plain", PLACE) == (b"plain", True)
    with pytest.raises(CannotOpen):
        Identity().open(AesGcm([NEW]).seal(b"x", PLACE), PLACE)
