from uuid import RFC_4122, UUID

from apiserver.identifiers import new_uuid


def test_it_is_a_random_uuid_of_version_four():
    made = [new_uuid() for _ in range(100)]
    parsed = [UUID(text) for text in made]
    assert [str(each) for each in parsed] == made
    assert {(each.version, each.variant) for each in parsed} == {(4, RFC_4122)}
    assert len(set(made)) == 100
