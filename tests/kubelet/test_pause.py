from __future__ import annotations

import io
import platform
import signal
import subprocess
import tarfile
from pathlib import Path

import pytest

from kubelet import pause

needs_x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="runs the x86-64 executable")


@pytest.fixture
def executable(tmp_path: Path) -> str:
    path = tmp_path / "pause"
    path.write_bytes(pause.elf_x86_64())
    path.chmod(0o755)
    return str(path)


@needs_x86_64
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_it_waits_and_ends_at_a_signal(executable: str, ending: signal.Signals) -> None:
    with subprocess.Popen([executable]) as process:
        process.send_signal(signal.SIGCHLD)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.05)
        process.send_signal(ending)
        assert process.wait(5) == 0


def test_the_archive_holds_one_executable() -> None:
    made = pause.archive("x86_64")
    with tarfile.open(fileobj=io.BytesIO(made.tar)) as tar:
        (entry,) = tar.getmembers()
    assert (entry.name, entry.mode, entry.size) == ("pause", 0o755, len(pause.elf_x86_64()))
    assert 'ENTRYPOINT ["/pause"]' in made.changes


def test_another_architecture_takes_the_hosts_busybox_or_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    if any(Path(place).is_file() for place in pause._BUSYBOX_PLACES):
        assert pause.archive("riscv64").origin in pause._BUSYBOX_PLACES
    monkeypatch.setattr(pause, "_BUSYBOX_PLACES", ("/nowhere",))
    with pytest.raises(pause.PauseImageUnavailable, match="install busybox-static"):
        pause.archive("riscv64")
