"""nftables, as the proxy needs it: atomic transactions, and telling whether somebody else changed something.

:class:`ProgramNft` runs the ``nft`` program; :mod:`proxy.fake_nft` is the fake under the same contract test.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from proxy.programs import ProgramError, attempt, run

_NETLINK_NETFILTER = 12
_NFNL_SUBSYS_NFTABLES = 10
_NFT_MSG_GETGEN = 16
_NFTA_GEN_ID = 1
_NLM_F_REQUEST = 1
_HEADER = struct.Struct("=IHHII")
_NFGENMSG = struct.Struct("=BBH")
_ATTRIBUTE = struct.Struct("=HH")
_NETLINK_TIMEOUT_SECONDS = 5.0


class NftError(Exception):
    """A transaction was refused, and nothing of it was done; the text is what nft says."""


@dataclass(frozen=True, slots=True)
class TableContents:
    """How many rules each chain and how many elements each map of a table has."""

    rules: Mapping[str, int] = field(default_factory=dict)
    elements: Mapping[str, int] = field(default_factory=dict)


class Nft(Protocol):
    """The kernel's nftables in this process's network namespace."""

    async def apply(self, text: str) -> None:
        """Does all of the transaction or nothing. Raises NftError."""
        ...

    def generation(self) -> int:
        """A number that rises by one with each transaction of anybody. Raises OSError."""
        ...

    async def contents(self, table: str) -> TableContents | None:
        """What the ``ip`` table holds; None where there is no such table. Raises NftError."""
        ...


class ProgramNft:
    """The real one."""

    async def apply(self, text: str) -> None:
        """``nft -f -``."""
        try:
            await run("nft", "-f", "-", text=text)
        except ProgramError as error:
            raise NftError(str(error)) from error

    def generation(self) -> int:
        """One netlink question; no process is started."""
        request = _HEADER.pack(
            _HEADER.size + _NFGENMSG.size, _NFNL_SUBSYS_NFTABLES << 8 | _NFT_MSG_GETGEN, _NLM_F_REQUEST, 1, 0
        ) + _NFGENMSG.pack(0, 0, 0)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as netlink:
            netlink.settimeout(_NETLINK_TIMEOUT_SECONDS)
            netlink.send(request)
            answer = netlink.recv(4096)
        offset = _HEADER.size + _NFGENMSG.size
        while offset + _ATTRIBUTE.size <= len(answer):
            length, kind = _ATTRIBUTE.unpack_from(answer, offset)
            if kind == _NFTA_GEN_ID:
                return int.from_bytes(answer[offset + 4 : offset + 8], "big")
            offset += max((length + 3) & ~3, _ATTRIBUTE.size)
        raise OSError("the kernel does not tell nftables' generation")

    async def contents(self, table: str) -> TableContents | None:
        """``nft -j list table``."""
        try:
            outcome = await attempt("nft", "-j", "list", "table", "ip", table)
        except ProgramError as error:
            raise NftError(str(error)) from error
        if outcome.code != 0:
            if "No such file or directory" in outcome.error:
                return None
            raise NftError(outcome.error)
        return _contents(json.loads(outcome.output)["nftables"])


def _contents(items: list[dict[str, Any]]) -> TableContents:
    rules: dict[str, int] = {}
    elements: dict[str, int] = {}
    for item in items:
        if chain := item.get("chain"):
            rules.setdefault(chain["name"], 0)
        elif rule := item.get("rule"):
            rules[rule["chain"]] = rules.get(rule["chain"], 0) + 1
        elif found := item.get("map"):
            elements[found["name"]] = len(found.get("elem") or ())
    return TableContents(rules, elements)
