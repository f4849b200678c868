"""The API server's figures, beside what a bare uvicorn app and a small etcd client get in the same run.

Usage (with nothing else running on the machine):

    .venv/bin/python benchmarks/api_server.py --apibench PATH/apibench.py [--workers 2] [--quick]

Starts an etcd, one API server (and a second one of ``--workers`` processes), and a bare uvicorn app, all on free
ports of loopback, loads them with apibench, and writes ``benchmarks/results/api_server.json`` and ``.md`` with the
command that made them. apibench is not part of this repository: ``--apibench`` or the environment's ``APIBENCH`` says
where it is.
The aims are upstream's own figures on two cores, from issue 3. Takes about five minutes, ``--quick`` one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rig import Rig, rig

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
COLLECTION = "/api/v1/namespaces/default/configmaps"
OBJECTS = 10_000
WATCHERS = 500
SETTLE_SECONDS = 5.0
RUN_TIMEOUT_SECONDS = 600.0
Phases = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """One line of the table. ``aim`` is a bound that ``more`` says the side of; ``limit`` is what the machine gave."""

    what: str
    measured: float
    unit: str
    aim: float
    more: bool
    limit: str

    @property
    def met(self) -> bool:
        """Whether the aim is met."""
        return self.measured >= self.aim if self.more else self.measured <= self.aim


@dataclass(frozen=True)
class Figure:
    """Where a row of the table comes from: a phase of apibench, its figure, and the aim."""

    what: str
    phase: str
    figure: str
    unit: str
    aim: float
    more: bool
    limit: str


FIGURES = (
    Figure("create 1 KB, 32 connections", "create_1024_c32", "per_s", "/s", 1749, True, "txn"),
    Figure("create 4 KB, 32 connections", "create_4096_c32", "per_s", "/s", 1506, True, "txn"),
    Figure("create 1 KB, one connection, p50", "create_1024_c1", "p50_ms", "ms", 1.9, False, "txn alone"),
    Figure("get 1 KB, 32 connections", "get_1024_c32", "per_s", "/s", 1.3 * 4177, True, "bare"),
    Figure("update 4 KB, 32 connections", "update_4096_c32", "per_s", "/s", 811, True, "txn"),
    Figure("list 10,000 × 1 KB, current", "list_full_10000", "p50_ms", "ms", 359 / 8, False, "body"),
    Figure("list 10,000 × 1 KB, resourceVersion=0", "list_rv0_10000", "p50_ms", "ms", 196 / 5, False, "body"),
    Figure("500 watchers, paced writes, delay p99", "watch_paced_w500", "delay_p99_ms", "ms", 19, False, ""),
    Figure("500 watchers, closed loop", "watch_burst_w500", "events_per_s", "/s", 31_400, True, ""),
)
START_MEGABYTES, END_MEGABYTES = 0.4 * 151, 0.4 * 660


def find_apibench(given: str | None) -> Path:
    """The harness that was named. Ends the program where there is none."""
    if not given:
        sys.exit("api_server.py: --apibench or APIBENCH must name apibench.py, which is not part of this repository")
    path = Path(given)
    if not path.is_file():
        sys.exit(f"api_server.py: there is no apibench at {path}")
    return path


@dataclass(frozen=True)
class Harness:
    """apibench, and whose certificate it shows."""

    path: Path
    rig: Rig
    tries: int

    def run(self, address: str, pid: int, etcd_pid: int | None, *flags: str) -> dict[str, Any]:
        """What apibench printed of one server."""
        command = [sys.executable, str(self.path), "--base-url", address, "--path", COLLECTION, "--pid", str(pid)]
        command += [*self.rig.client_flags(), "--max-repeats", str(self.tries), *flags]
        if etcd_pid is not None:
            command += ["--etcd-pid", str(etcd_pid)]
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=RUN_TIMEOUT_SECONDS, check=True)
        return dict(json.loads(done.stdout))


def raw_etcd(address: str, seconds: float) -> dict[str, float]:
    """Operations that a small Python client gets from that etcd."""
    script = str(Path(__file__).with_name("raw_etcd.py"))
    command = [sys.executable, script, address, "--seconds", str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=RUN_TIMEOUT_SECONDS, check=True)
    return dict(json.loads(done.stdout))


def bare_uvicorn(made: Rig, harness: Harness, requests: int) -> dict[str, float]:
    """What uvicorn gives over TLS with an app that does nothing."""
    process, address = made.start_bare_uvicorn()
    flags = ["--sizes", "1024", "--conc", "32", "--list-counts", "1", "--skip", "create,update,watch"]
    phases: Phases = harness.run(address, process.pid, None, "--n", str(requests), *flags)["phases"]
    made.stop(process)
    return {"get_per_s": phases["get_1024_c32"]["per_s"], "body_p50_ms": phases["list_full_1"]["p50_ms"]}


def rows_of(name: str, result: dict[str, Any], limits: dict[str, str]) -> list[Row]:
    """The table's lines of one server."""
    phases: Phases = result["phases"]
    rows = [
        Row(f"{name}: {f.what}", phases[f.phase][f.figure], f.unit, f.aim, f.more, limits.get(f.limit, ""))
        for f in FIGURES
        if f.phase in phases and phases[f.phase].get(f.figure) is not None
    ]
    start, end = result["idle_before"]["server_rss_mb"], result["server_final"]["rss_mb"]
    rows.append(Row(f"{name}: resident memory at the start", start, "MB", START_MEGABYTES, False, ""))
    rows.append(Row(f"{name}: resident memory after {OBJECTS:,} objects", end, "MB", END_MEGABYTES, False, ""))
    return rows


def failures(name: str, result: dict[str, Any]) -> list[str]:
    """Answers that were errors, and events that did not come: figures beside them are worth nothing."""
    found = []
    for phase, figures in result["phases"].items():
        kinds = ("errors", "connections_lost", "watches_ended_early", "write_errors")
        found += [f"{name}, {phase}: {kind} {figures[kind]}" for kind in kinds if figures.get(kind)]
        if figures.get("events_received", 0) != figures.get("events_expected", 0):
            received, expected = figures["events_received"], figures["events_expected"]
            found.append(f"{name}, {phase}: {received} of {expected} events came")
    return found


def in_markdown(rows: list[Row], notes: list[str], command: str) -> str:
    """The page that is committed."""
    lines = [
        "# API server",
        "",
        f"Made by `{command}` on {time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}. Everything shares one machine: etcd, the servers and what loads them.",
        "",
        "| | measured | aim | limit, same run |",
        "| --- | --- | --- | --- |",
    ]
    for row in rows:
        aim = f"{'≥' if row.more else '≤'} {row.aim:,.1f} {row.unit}: {'met' if row.met else 'missed'}"
        lines.append(f"| {row.what} | {row.measured:,.1f} {row.unit} | {aim} | {row.limit} |")
    return "\n".join([*lines, "", *(f"- {note}" for note in notes)]) + "\n"


def measure(options: argparse.Namespace, made: Rig) -> tuple[list[Row], list[str], dict[str, Any]]:
    """Starts and loads everything: the table, what went wrong, and all that was measured."""
    harness = Harness(options.apibench, made, 1 if options.quick else 2)
    n = 500 if options.quick else 2000
    flags = ["--n", str(n), "--watchers", str(WATCHERS), "--list-counts", str(OBJECTS)]
    flags += ["--list-reps", "3" if options.quick else "9"]
    raw_process, raw_address = made.start_etcd("raw-etcd")
    raw = raw_etcd(raw_address, 0.5 if options.quick else 2)
    made.stop(raw_process)
    bare = bare_uvicorn(made, harness, n)
    limits = {
        "txn": f"etcd txn {raw['txn_per_s']:,.0f}/s",
        "txn alone": f"etcd txn {raw['txn_alone_p50_ms']:.2f} ms",
        "bare": f"bare uvicorn {bare['get_per_s']:,.0f}/s",
        "body": f"bare uvicorn, 20 MB: {bare['body_p50_ms']:.0f} ms",
    }
    rows: list[Row] = []
    wrong: list[str] = []
    everything: dict[str, Any] = {"raw_etcd": raw, "bare_uvicorn": bare}
    for workers in [1, *([options.workers] if options.workers > 1 else [])]:
        name = "one process" if workers == 1 else f"{workers} workers"
        etcd, etcd_address = made.start_etcd(f"etcd-{workers}")
        server, address = made.start_api_server(etcd_address, workers)
        time.sleep(SETTLE_SECONDS)
        result = harness.run(address, server.pid, etcd.pid, *flags)
        made.stop(server)
        made.stop(etcd)
        everything[name] = result
        rows += rows_of(name, result, limits)
        wrong += failures(name, result)
    return rows, wrong, everything


def disturbed(everything: dict[str, Any]) -> float:
    """The most that other programs took of the machine in a phase, in cores."""
    results = [result for result in everything.values() if "phases" in result]
    return max((p["cpu"]["disturbed_cores"] for r in results for p in r["phases"].values()), default=0.0)


def main() -> None:
    """Runs everything, prints the table and writes it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--apibench", default=os.environ.get("APIBENCH"), help="path of apibench.py")
    parser.add_argument("--workers", type=int, default=1, help="also measure a server of that many processes")
    parser.add_argument("--quick", action="store_true", help="fewer requests, and nothing is written")
    options = parser.parse_args()
    options.apibench = find_apibench(options.apibench)
    with tempfile.TemporaryDirectory(prefix="minikube-py-bench-") as directory, rig(Path(directory)) as made:
        rows, wrong, everything = measure(options, made)
    words = ["benchmarks/api_server.py", "--apibench", "apibench.py"]
    words += ["--workers", str(options.workers)] if options.workers > 1 else []
    notes = [f"Other programs took at most {disturbed(everything):.2f} cores in a phase.", *wrong]
    page = in_markdown(rows, notes, shlex.join(words))
    print(page)
    if not options.quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "api_server.md").write_text(page)
        table = [{**asdict(row), "met": row.met} for row in rows]
        document = {"command": shlex.join(words), "table": table, "notes": notes, **everything}
        (RESULTS / "api_server.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    if wrong:
        sys.exit(1)


if __name__ == "__main__":
    main()
