"""The store on etcd 3.4 or later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from apiserver.storage.etcd_calls import DEFAULT_TIMEOUT_SECONDS, EtcdCalls, EtcdTls, store_error
from apiserver.storage.http2.calls import RpcError, StreamCall
from apiserver.storage.leases import Leases
from apiserver.storage.proto import etcd_pb2 as pb
from apiserver.storage.store import (
    Compacted,
    EtcdStatus,
    KeyExists,
    KeyValue,
    RangePage,
    RevisionMismatch,
    StoreError,
    StoreEvent,
    StoreTimeout,
    StoreUnavailable,
    WatchBatch,
    prefix_end,
)

_UNUSED_KEY = b"\0"
_DEFRAGMENT_TIMEOUT_SECONDS = 120.0
_RANGE_TIMEOUT_SECONDS = 30.0


class EtcdStore:
    """A Store on an etcd cluster: ``endpoints`` are its members, any of which will do.

    Every call is bounded: 5 s (``timeout``), a range 30 s, ``defragment`` 120 s. Reads outlast a broken connection
    within that time; a write that was under way when it broke raises, because nobody knows whether it happened.
    """

    def __init__(
        self, endpoints: Sequence[str], *, tls: EtcdTls | None = None, timeout: float = DEFAULT_TIMEOUT_SECONDS
    ) -> None:
        self._calls = EtcdCalls(endpoints, tls=tls, timeout=timeout)
        self._leases = Leases(self._grant)

    async def get(self, key: str) -> KeyValue | None:
        page = await self._range(pb.RangeRequest(key=key.encode()), self._calls.timeout)
        return _key_value(page.kvs[0]) if page.kvs else None

    async def range(self, prefix: str, *, start_key: str = "", limit: int = 0, revision: int = 0) -> RangePage:
        request = pb.RangeRequest(
            key=(start_key or prefix).encode() or _UNUSED_KEY,
            range_end=prefix_end(prefix),
            limit=limit,
            revision=revision,
        )
        page = await self._range(request, max(self._calls.timeout, _RANGE_TIMEOUT_SECONDS))
        return RangePage([_key_value(kv) for kv in page.kvs], revision or page.header.revision, page.more, page.count)

    async def create(self, key: str, value: bytes, *, ttl_seconds: int | None = None) -> int:
        answer = await self._put(key, value, 0, ttl_seconds)
        if not answer.succeeded:
            if (current := _current(answer)) is None:
                raise StoreUnavailable("etcd refused a create and shows no key")
            raise KeyExists(current)
        return answer.header.revision

    async def update(self, key: str, value: bytes, *, expected_revision: int, ttl_seconds: int | None = None) -> int:
        answer = await self._put(key, value, expected_revision, ttl_seconds)
        if not answer.succeeded:
            raise RevisionMismatch(key, _current(answer))
        return answer.header.revision

    async def delete(self, key: str, *, expected_revision: int) -> int:
        removal = pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=key.encode()))
        answer = await self._swap(key, expected_revision, removal)
        if not answer.succeeded:
            raise RevisionMismatch(key, _current(answer))
        return answer.header.revision

    async def current_revision(self) -> int:
        answer = await self._range(pb.RangeRequest(key=_UNUSED_KEY, count_only=True), self._calls.timeout)
        return answer.header.revision

    async def watch(
        self, prefix: str, *, start_revision: int, with_previous: bool = False
    ) -> AsyncGenerator[WatchBatch, None]:
        stream = await self._calls.open_watch()
        try:
            stream.write(
                pb.WatchRequest(
                    create_request=pb.WatchCreateRequest(
                        key=prefix.encode() or _UNUSED_KEY,
                        range_end=prefix_end(prefix),
                        start_revision=start_revision,
                        progress_notify=True,
                        prev_kv=with_previous,
                        fragment=True,
                    )
                ).SerializeToString()
            )
            events: list[StoreEvent] = []
            async for answer in self._answers(stream):
                _check_watch(answer)
                events.extend(map(_event, answer.events))
                if not answer.created and not answer.fragment:
                    yield WatchBatch(tuple(events), _batch_revision(answer, events))
                    events = []
        except RpcError as error:
            raise store_error(error) if error.code else StoreUnavailable("etcd ended the watch") from error
        finally:
            stream.cancel()

    async def compact(self, revision: int) -> None:
        request = pb.CompactionRequest(revision=revision)
        await self._calls.call(
            "KV/Compact", request, pb.CompactionResponse, read_only=False, timeout=self._calls.timeout
        )

    async def status(self) -> EtcdStatus:
        timeout = self._calls.timeout
        answer = await self._calls.call(
            "Maintenance/Status", pb.StatusRequest(), pb.StatusResponse, read_only=True, timeout=timeout
        )
        alarms = await self._alarm(pb.AlarmRequest(action=pb.AlarmRequest.GET))
        return EtcdStatus(
            version=answer.version,
            revision=answer.header.revision,
            database_size=answer.dbSize,
            database_size_in_use=answer.dbSizeInUse,
            has_leader=answer.leader != 0,
            is_learner=answer.isLearner,
            alarms=tuple(sorted({pb.AlarmType.Name(alarm.alarm) for alarm in alarms.alarms})),
        )

    async def defragment(self) -> None:
        """Gives a member's free space back to the disk; the member answers nothing meanwhile."""
        await self._calls.call(
            "Maintenance/Defragment",
            pb.DefragmentRequest(),
            pb.DefragmentResponse,
            read_only=False,
            timeout=_DEFRAGMENT_TIMEOUT_SECONDS,
        )

    async def disarm(self) -> None:
        """Takes back every alarm; etcd raises NOSPACE again if there is still no space."""
        raised = await self._alarm(pb.AlarmRequest(action=pb.AlarmRequest.GET))
        for alarm in raised.alarms:
            await self._alarm(
                pb.AlarmRequest(action=pb.AlarmRequest.DEACTIVATE, memberID=alarm.memberID, alarm=alarm.alarm)
            )

    async def close(self) -> None:
        await self._calls.close()

    async def _answers(self, stream: StreamCall) -> AsyncGenerator[pb.WatchResponse, None]:
        """The stream's messages; the first, which confirms the watch, must come within the time-out."""
        try:
            async with asyncio.timeout(self._calls.timeout):
                answer = await stream.read()
        except TimeoutError:
            raise StoreTimeout("etcd does not confirm a watch") from None
        while True:
            yield pb.WatchResponse.FromString(answer)
            answer = await stream.read()

    async def _range(self, request: pb.RangeRequest, timeout: float) -> pb.RangeResponse:
        return await self._calls.call("KV/Range", request, pb.RangeResponse, read_only=True, timeout=timeout)

    async def _put(self, key: str, value: bytes, expected: int, ttl_seconds: int | None) -> pb.TxnResponse:
        if ttl_seconds is None:
            return await self._swap(key, expected, _put_operation(key, value, 0))
        lease_id = await self._leases.lease_for(ttl_seconds)
        try:
            return await self._swap(key, expected, _put_operation(key, value, lease_id))
        except _LeaseGone:
            self._leases.forget(lease_id)
        lease_id = await self._leases.lease_for(ttl_seconds)
        try:
            return await self._swap(key, expected, _put_operation(key, value, lease_id))
        except _LeaseGone:
            raise StoreUnavailable("etcd does not know a lease that it has just granted") from None

    async def _swap(self, key: str, expected_revision: int, operation: pb.RequestOp) -> pb.TxnResponse:
        """Does ``operation`` if the key is at that revision (0: does not exist), and reads the key otherwise."""
        encoded = key.encode()
        condition = pb.Compare(
            result=pb.Compare.EQUAL, target=pb.Compare.MOD, key=encoded, mod_revision=expected_revision
        )
        read = pb.RequestOp(request_range=pb.RangeRequest(key=encoded))
        request = pb.TxnRequest(compare=[condition], success=[operation], failure=[read])
        try:
            return await self._calls.call(
                "KV/Txn", request, pb.TxnResponse, read_only=False, timeout=self._calls.timeout
            )
        except StoreUnavailable as error:
            if "requested lease not found" in str(error):
                raise _LeaseGone from error
            raise

    async def _grant(self, ttl_seconds: int) -> int:
        request = pb.LeaseGrantRequest(TTL=ttl_seconds)
        answer = await self._calls.call(
            "Lease/LeaseGrant", request, pb.LeaseGrantResponse, read_only=False, timeout=self._calls.timeout
        )
        return answer.ID

    async def _alarm(self, request: pb.AlarmRequest) -> pb.AlarmResponse:
        read_only = request.action == pb.AlarmRequest.GET
        return await self._calls.call(
            "Maintenance/Alarm", request, pb.AlarmResponse, read_only=read_only, timeout=self._calls.timeout
        )


class _LeaseGone(StoreError):
    """The lease that a put names has expired or was revoked; nothing was written."""


def _put_operation(key: str, value: bytes, lease_id: int) -> pb.RequestOp:
    return pb.RequestOp(request_put=pb.PutRequest(key=key.encode(), value=value, lease=lease_id))


def _key_value(kv: pb.KeyValue) -> KeyValue:
    return KeyValue(_key(kv), kv.value, kv.mod_revision)


def _key(kv: pb.KeyValue) -> str:
    """The key as text; one that somebody else wrote and that is not UTF-8 must not stop a watch."""
    return kv.key.decode(errors="surrogateescape")


def _current(answer: pb.TxnResponse) -> KeyValue | None:
    """What the reading branch of a refused swap found."""
    found = answer.responses[0].response_range.kvs
    return _key_value(found[0]) if found else None


def _event(event: pb.Event) -> StoreEvent:
    kv = event.kv
    previous = _key_value(event.prev_kv) if event.HasField("prev_kv") else None
    if event.type == pb.Event.PUT:
        return StoreEvent("PUT", _key(kv), kv.value, kv.mod_revision, previous)
    return StoreEvent("DELETE", _key(kv), b"", kv.mod_revision, previous)


def _check_watch(answer: pb.WatchResponse) -> None:
    if answer.compact_revision:
        raise Compacted(answer.compact_revision)
    if answer.canceled:
        raise StoreUnavailable(f"etcd cancelled the watch: {answer.cancel_reason}")


def _batch_revision(answer: Any, events: list[StoreEvent]) -> int:
    """The last event's revision: while a watch catches up, the answer's header is ahead of what was delivered."""
    return events[-1].revision if events else int(answer.header.revision)
