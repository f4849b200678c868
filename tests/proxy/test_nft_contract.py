"""What the proxy relies on of nftables, asked of the fake and of the kernel."""

from __future__ import annotations

import pytest
from proxy_lab import needs_root

from proxy.fake_nft import FakeNft
from proxy.nft import Nft, NftError, ProgramNft, TableContents
from proxy.ruleset import Chain, Leftovers, Ruleset, change, removal, replacement

TABLE = "proxy-test"


@pytest.fixture(params=[pytest.param("fake"), pytest.param("kernel", marks=needs_root)])
def nft(request: pytest.FixtureRequest) -> Nft:
    if request.param == "fake":
        return FakeNft()
    request.getfixturevalue("namespace")
    return ProgramNft()


def rules(*names: str, target: str = "") -> Ruleset:
    chains = {name: Chain(("ip saddr 10.0.0.1 drop",)) for name in names}
    chains["base"] = Chain(("ip daddr vmap @verdicts",), "type filter hook input priority 0; policy accept")
    elements = {"verdicts": {f"10.0.0.{n}": f"goto {target or name}" for n, name in enumerate(names)}}
    return Ruleset(TABLE, chains, {"verdicts": "type ipv4_addr : verdict"}, elements)


async def test_a_replacement_holds_what_is_desired_whatever_was_there(nft: Nft):
    for desired in (rules("a", "b"), rules("b")):
        await nft.apply(replacement(desired).text)
    assert await nft.contents(TABLE) == TableContents({"b": 1, "base": 1}, {"verdicts": 1})


async def test_a_change_leaves_empty_chains_that_the_next_removes(nft: Nft):
    one, two, three = rules("a", "b"), rules("b", "c"), rules("b", "c", target="b")
    await nft.apply(replacement(one).text)
    first = change(one, Leftovers(), two)
    assert first.leftovers.chains == {"a"}
    await nft.apply(first.text)
    assert await nft.contents(TABLE) == TableContents({"a": 0, "b": 1, "base": 1, "c": 1}, {"verdicts": 2})
    await nft.apply(change(two, first.leftovers, three).text)
    assert await nft.contents(TABLE) == TableContents({"b": 1, "base": 1, "c": 1}, {"verdicts": 2})


async def test_a_leftover_is_used_again(nft: Nft):
    one, two = rules("a", "b"), rules("b")
    await nft.apply(replacement(one).text)
    first = change(one, Leftovers(), two)
    await nft.apply(first.text)
    await nft.apply(change(two, first.leftovers, one).text)
    assert await nft.contents(TABLE) == TableContents({"a": 1, "b": 1, "base": 1}, {"verdicts": 2})


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(f"add rule ip {TABLE} none drop", id="a rule in a chain that is not there"),
        pytest.param(f"add rule ip {TABLE} a goto none", id="a verdict to a chain that is not there"),
        pytest.param(f"add rule ip {TABLE} a ip saddr @none drop", id="a set that is not there"),
        pytest.param(f"delete chain ip {TABLE} none", id="deleting a chain that is not there"),
        pytest.param(f"delete chain ip {TABLE} a", id="deleting a chain that is in use"),
        pytest.param(f"add element ip {TABLE} verdicts {{ 10.0.0.0 : goto b }}", id="another verdict for the same key"),
        pytest.param("add table ip other\nnonsense", id="nonsense"),
    ],
)
async def test_a_refused_transaction_changes_nothing(nft: Nft, command: str):
    await nft.apply(replacement(rules("a", "b")).text)
    before, generation = await nft.contents(TABLE), nft.generation()
    with pytest.raises(NftError):
        await nft.apply(f"add chain ip {TABLE} new\n{command}\n")
    assert await nft.contents(TABLE) == before
    assert nft.generation() == generation
    assert await nft.contents("other") is None


async def test_each_transaction_raises_the_generation_by_one(nft: Nft):
    before = nft.generation()
    await nft.apply(replacement(rules("a")).text)
    assert nft.generation() == before + 1


async def test_removal_may_be_repeated(nft: Nft):
    await nft.apply(replacement(rules("a")).text)
    for _ in range(2):
        await nft.apply(removal(TABLE))
        assert await nft.contents(TABLE) is None
