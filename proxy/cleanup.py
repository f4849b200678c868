"""Takes away what the proxy made on this host."""

from __future__ import annotations

import shutil

import structlog

from proxy.node import forward_rules, is_ours, show_routes
from proxy.programs import ProgramError, attempt, run
from proxy.ruleset import removal

MOST_COPIES_OF_A_RULE = 16

log = structlog.get_logger("proxy")


async def cleanup(*, table_name: str, cluster_cidr: str, service_cidr: str) -> None:
    """Removes the table, the FORWARD rules and the routes of this cluster, and nothing else; harmless to repeat.

    What can't be removed is logged and the rest goes on: a missing program means that there is nothing of its kind.
    ``net.ipv4.ip_forward`` stays as it is: others may have come to depend on it.
    """
    try:
        await run("nft", "-f", "-", text=removal(table_name))
    except ProgramError as error:
        log.warning("Table not removed", table=table_name, error=str(error))
    if shutil.which("iptables") is not None:
        for rule in forward_rules(table_name, cluster_cidr):
            for _ in range(MOST_COPIES_OF_A_RULE):
                if (await attempt("iptables", "-w", "-D", "FORWARD", *rule)).code != 0:
                    break
    try:
        for route in await show_routes():
            if is_ours(route, cluster_cidr, service_cidr):
                await run("ip", "-4", "route", "del", *route.words())
    except ProgramError as error:
        log.warning("Routes not removed", error=str(error))
