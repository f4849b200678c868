import pytest

from apiserver.storage.etcd_calls import EtcdCalls, store_error
from apiserver.storage.http2.calls import DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE, UNKNOWN, RpcError
from apiserver.storage.store import (
    Compacted,
    FutureRevision,
    NoSpace,
    StoreTimeout,
    StoreUnavailable,
    ValueTooLarge,
)

INVALID_ARGUMENT, OUT_OF_RANGE = 3, 11


@pytest.mark.parametrize(
    ("code", "details", "expected"),
    [
        pytest.param(RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded", NoSpace, id="no space"),
        pytest.param(OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted", Compacted, id="compacted"),
        pytest.param(
            OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision", FutureRevision, id="future"
        ),
        pytest.param(INVALID_ARGUMENT, "etcdserver: request is too large", ValueTooLarge, id="too large"),
        pytest.param(
            RESOURCE_EXHAUSTED,
            "grpc: received message larger than max (9 vs. 2)",
            ValueTooLarge,
            id="message limit",
        ),
        pytest.param(DEADLINE_EXCEEDED, "Deadline Exceeded", StoreTimeout, id="deadline"),
        pytest.param(UNAVAILABLE, "etcdserver: request timed out", StoreTimeout, id="etcd's own time-out"),
        pytest.param(UNAVAILABLE, "etcdserver: no leader", StoreUnavailable, id="no leader"),
        pytest.param(UNAVAILABLE, "failed to connect to all addresses", StoreUnavailable, id="no connection"),
        pytest.param(UNKNOWN, "something else", StoreUnavailable, id="an unknown answer"),
    ],
)
def test_etcds_answers_are_our_errors(code, details, expected):
    assert type(store_error(RpcError(code, details))) is expected


@pytest.mark.parametrize(
    ("endpoints", "message"),
    [
        pytest.param([], "at least one", id="no endpoint"),
        pytest.param(["https://127.0.0.1:2379"], "needs a CA file", id="https without a CA"),
    ],
)
def test_settings_that_cannot_work_are_refused(endpoints, message):
    with pytest.raises(ValueError, match=message):
        EtcdCalls(endpoints, tls=None, timeout=1)
