"""Raw etcd operations from a small client: grpcio's asyncio channel, serialised requests, unread answers.

Usage:  raw_etcd.py ADDRESS [--seconds 2] [--processes 2]     prints JSON: operations a second, and the p50 of one alone

The client is Python too, so its figures are what a Python program gets from this etcd, not what etcd could do at most.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import time

import grpc.aio
import uvloop

from apiserver.storage.proto import etcd_pb2 as pb

CONCURRENCY = 32
VALUE = b"x" * 1100


def requests(operation: str, number: int) -> tuple[str, bytes]:
    """The method and the serialised request of one operation."""
    key = b"/benchmark/%s/%d" % (operation.encode(), number)
    if operation == "get":
        return "Range", pb.RangeRequest(key=b"/benchmark/put/0").SerializeToString()
    put = pb.PutRequest(key=key, value=VALUE)
    if operation == "put":
        return "Put", put.SerializeToString()
    absent = pb.Compare(result=pb.Compare.EQUAL, target=pb.Compare.MOD, key=key, mod_revision=0)
    read = pb.RequestOp(request_range=pb.RangeRequest(key=key))
    transaction = pb.TxnRequest(compare=[absent], success=[pb.RequestOp(request_put=put)], failure=[read])
    return "Txn", transaction.SerializeToString()


async def load(address: str, operation: str, concurrency: int, seconds: float, first: int) -> list[float]:
    """The latencies of a closed loop, in seconds."""
    latencies: list[float] = []
    async with grpc.aio.insecure_channel(address) as channel:
        method = requests(operation, 0)[0]
        call = channel.unary_unary(f"/etcdserverpb.KV/{method}")
        await channel.channel_ready()
        end = time.perf_counter() + seconds

        async def one(worker: int) -> None:
            number = first + worker
            while (begun := time.perf_counter()) < end:
                await call(requests(operation, number)[1], timeout=10)
                latencies.append(time.perf_counter() - begun)
                number += concurrency

        await asyncio.gather(*(one(worker) for worker in range(concurrency)))
    return latencies


def in_process(address: str, operation: str, concurrency: int, seconds: float, first: int) -> list[float]:
    """As :func:`load`, in a process of its own."""
    return uvloop.run(load(address, operation, concurrency, seconds, first))


def main() -> None:
    """Measures every operation and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    address = options.address.rpartition("://")[2]
    each = CONCURRENCY // options.processes
    figures: dict[str, float] = {}
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        for operation in ("put", "txn", "get"):
            parts = [(address, operation, each, options.seconds, n * 10**7) for n in range(1, options.processes + 1)]
            done = sum(len(latencies) for latencies in pool.starmap(in_process, parts))
            alone = pool.apply(in_process, (address, operation, 1, options.seconds / 2, 10**9))
            figures[f"{operation}_per_s"] = round(done / options.seconds)
            figures[f"{operation}_alone_p50_ms"] = round(statistics.median(alone) * 1000, 3)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
