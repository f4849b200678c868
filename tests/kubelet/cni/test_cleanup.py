import pytest

from kubelet.cni.cleanup import cleanup, host_port_removal

SHARED = """*nat
:PREROUTING ACCEPT [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
:CNI-HOSTPORT-MASQ - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A POSTROUTING -m comment --comment "CNI portfwd requiring masquerade" -j CNI-HOSTPORT-MASQ
-A POSTROUTING -s 192.0.2.0/24 -j MASQUERADE
-A CNI-HOSTPORT-MASQ -m mark --mark 0x2000/0x2000 -j MASQUERADE
"""


def test_chains_that_map_nothing_go_with_the_jumps_to_them():
    assert host_port_removal(SHARED) == [
        ("-D", "PREROUTING", "-m", "addrtype", "--dst-type", "LOCAL", "-j", "CNI-HOSTPORT-DNAT"),
        (
            *("-D", "POSTROUTING", "-m", "comment", "--comment", "CNI portfwd requiring masquerade"),
            *("-j", "CNI-HOSTPORT-MASQ"),
        ),
        ("-F", "CNI-HOSTPORT-DNAT"),
        ("-F", "CNI-HOSTPORT-MASQ"),
        ("-X", "CNI-HOSTPORT-DNAT"),
        ("-X", "CNI-HOSTPORT-MASQ"),
    ]


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(":CNI-DN-1234567890 - [0:0]\n", id="another's port"),
        pytest.param("-A CNI-HOSTPORT-DNAT -p tcp -j CNI-DN-1\n", id="another's rule"),
    ],
)
def test_chains_in_use_stay(more: str):
    assert host_port_removal(SHARED + more) == []


def test_no_chains_no_commands():
    assert host_port_removal("*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n") == []


async def test_nothing_on_record_is_nothing_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    await cleanup(
        configuration_directory=str(tmp_path / "net.d"), state_directory=str(tmp_path / "cni"), plugin_directories=[]
    )
