from __future__ import annotations

import pytest
from test_nft_contract import TABLE, rules

from proxy.fake_nft import FakeNft
from proxy.table import ServiceTable


async def test_nothing_is_sent_where_nothing_differs():
    nft = FakeNft()
    table = ServiceTable(nft)
    assert await table.apply(rules("a"))
    assert not await table.apply(rules("a"))
    assert len(nft.transactions) == 1


async def test_a_change_sends_only_the_difference():
    nft = FakeNft()
    table = ServiceTable(nft)
    await table.apply(rules("a"))
    await table.apply(rules("a", "b"))
    assert nft.transactions[-1] == (
        f"add chain ip {TABLE} b\n"
        f"add rule ip {TABLE} b ip saddr 10.0.0.1 drop\n"
        f"add element ip {TABLE} verdicts {{ 10.0.0.1 : goto b }}\n"
    )


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(f"delete table ip {TABLE}", id="table deleted"),
        pytest.param(f"flush table ip {TABLE}", id="rules flushed"),
        pytest.param(f"delete element ip {TABLE} verdicts {{ 10.0.0.0 : goto a }}", id="element deleted"),
    ],
)
async def test_damage_is_seen_and_repaired(damage: str):
    nft = FakeNft()
    table = ServiceTable(nft)
    await table.apply(rules("a"))
    whole = await nft.contents(TABLE)
    assert await table.check()
    await nft.apply(damage)
    assert not await table.check()
    await table.apply(rules("a"))
    assert await nft.contents(TABLE) == whole
    assert await table.check()


async def test_a_change_that_the_kernel_refuses_makes_the_table_anew():
    nft = FakeNft()
    table = ServiceTable(nft)
    await table.apply(rules("a"))
    await nft.apply(f"delete table ip {TABLE}")
    assert await table.apply(rules("a", "b"))
    assert await table.check()


async def test_a_check_asks_for_contents_only_after_a_foreign_transaction():
    nft = FakeNft()
    table = ServiceTable(nft)
    await table.apply(rules("a"))
    asked: list[str] = []
    contents = nft.contents

    async def counted(name: str):
        asked.append(name)
        return await contents(name)

    nft.contents = counted  # type: ignore[method-assign]
    await table.check()
    assert asked == []
    await nft.apply("add table ip foreign")
    assert await table.check()
    assert await table.check()
    assert asked == [TABLE]
