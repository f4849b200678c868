import pytest
from conformance_report import Entry, UnknownEntry, entries, named, page

LISTED = (
    Entry("watch-closed", "[sig] watches are closed", "v1.11", "apimachinery/watch.go"),
    Entry("DNS, cluster", "[sig] DNS one", "v1.9", "network/dns.go"),
    Entry("DNS, cluster", "[sig] DNS two", "v1.14", "network/dns.go"),
)


def test_the_official_list_names_each_behaviour_once():
    listed = entries()
    assert len(listed) == 411
    assert len({entry.codename for entry in listed}) == 411


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("watch-closed", 0, id="by test name"),
        pytest.param("[sig]  DNS two", 2, id="by codename, spaces not counted"),
    ],
)
def test_an_entry_is_found(name: str, found: int):
    assert named(name, LISTED) is LISTED[found]


@pytest.mark.parametrize("name", ["nothing", "DNS, cluster"], ids=["unknown", "of several entries"])
def test_a_name_that_is_not_one_entry_is_refused(name: str):
    with pytest.raises(UnknownEntry):
        named(name, LISTED)


def test_the_page_says_what_was_shown():
    shown = {"[sig] watches are closed": {"t.py::a[x]": True, "t.py::a[y]": True}, "[sig] DNS one": {"t.py::b": False}}
    text = page(LISTED, shown)
    assert "| watch-closed | v1.11 | passes | `t.py::a` |" in text
    assert "| DNS, cluster | v1.9 | fails | `t.py::b` |" in text
    assert "| DNS, cluster | v1.14 | not yet |  |" in text
    assert "| [network](#network) | 0 | 1 | 1 |" in text
