"""The pause image: pulled where one is named, otherwise made here, so that a host without a registry runs pods.

On x86-64 the image is one 4 KiB-page-aligned ELF of about 200 bytes, assembled below; elsewhere it is the host's static
busybox with a shell loop. Both reap orphans as PID 1 of a shared PID namespace and end at SIGTERM and SIGINT. Pure but
for reading busybox.
"""

from __future__ import annotations

import io
import struct
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kubelet.runtime import SandboxFailed

DEFAULT_IMAGE: Final = "registry.k8s.io/pause:3.10"
LOCAL_IMAGE: Final = "minikube-py/pause:1"

_USER = "USER 65535:65535"
_BUSYBOX_PLACES = ("/bin/busybox", "/usr/bin/busybox", "/bin/busybox-static")
_LOOP = "trap 'exit 0' TERM INT; while :; do sleep 2147483647 & wait $!; done"
_ENTRYPOINT_BUSYBOX = f'ENTRYPOINT ["/pause","sh","-c","{_LOOP}"]'

_BASE = 0x400000
_ELF_HEADER_BYTES = 64
_PROGRAM_HEADER_BYTES = 56
_CODE_AT = _BASE + _ELF_HEADER_BYTES + _PROGRAM_HEADER_BYTES

_SIGINT, _SIGTERM, _SIGCHLD = 2, 15, 17


class PauseImageUnavailable(SandboxFailed):
    """There is neither a pause image nor anything on the host to make one of."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A root filesystem as a tar, the Dockerfile instructions that complete it, and what it was made of."""

    tar: bytes
    changes: tuple[str, ...]
    origin: str


def archive(architecture: str) -> Archive:
    """The image for the engine's architecture (as ``uname -m``). Raises PauseImageUnavailable."""
    if architecture in ("x86_64", "amd64"):
        return Archive(_tar(elf_x86_64()), (_USER, 'ENTRYPOINT ["/pause"]'), "assembled")
    for place in map(Path, _BUSYBOX_PLACES):
        if place.is_file() and _is_static(binary := place.read_bytes()):
            return Archive(_tar(binary), (_USER, _ENTRYPOINT_BUSYBOX), str(place))
    raise PauseImageUnavailable(
        f"no pause image for {architecture}: install busybox-static, or load {DEFAULT_IMAGE} into Docker"
    )


def _tar(binary: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("pause")
        entry.size, entry.mode = len(binary), 0o755
        tar.addfile(entry, io.BytesIO(binary))
    return buffer.getvalue()


def _is_static(binary: bytes) -> bool:
    """Whether an ELF names no interpreter (program header of type PT_INTERP)."""
    if binary[:4] != b"\x7fELF" or binary[4] != 2:
        return False
    offset, size, count = (*struct.unpack_from("<Q", binary, 32), *struct.unpack_from("<HH", binary, 54))
    return all(struct.unpack_from("<I", binary, offset + index * size)[0] != 3 for index in range(count))


def elf_x86_64() -> bytes:
    """A static executable: block three signals, then wait for them for ever.

    Blocked signals stay pending even for PID 1, which ignores what it has no handler for; so ``rt_sigtimedwait`` is
    enough and no handler is needed.
    """
    code = _code_x86_64()
    size = _ELF_HEADER_BYTES + _PROGRAM_HEADER_BYTES + len(code)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        2,  # ET_EXEC
        62,  # EM_X86_64
        1,
        _CODE_AT,
        _ELF_HEADER_BYTES,
        0,
        0,
        _ELF_HEADER_BYTES,
        _PROGRAM_HEADER_BYTES,
        1,
        0,
        0,
        0,
    )
    program = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)  # PT_LOAD, readable and executable
    return header + program + code


def _code_x86_64() -> bytes:
    signals = sum(1 << (signal - 1) for signal in (_SIGINT, _SIGTERM, _SIGCHLD))
    # Two passes: the signal set's address is known once the code before it has been laid out.
    draft = _instructions_x86_64(0)
    return _instructions_x86_64(_CODE_AT + len(draft)) + struct.pack("<Q", signals)


def _instructions_x86_64(signals_at: int) -> bytes:
    signals = struct.pack("<I", signals_at)
    block = (
        b"\x31\xff"  # xor edi, edi          SIG_BLOCK
        b"\xbe"
        + signals  # mov esi, signals
        + b"\x31\xd2"  # xor edx, edx
        b"\x6a\x08\x41\x5a"  # push 8; pop r10       bytes in a signal set
        b"\x6a\x0e\x58"  # push 14; pop rax      rt_sigprocmask
        b"\x0f\x05"  # syscall
    )
    wait = (
        b"\xbf"
        + signals  # mov edi, signals
        + b"\x31\xf6"  # xor esi, esi
        b"\x31\xd2"  # xor edx, edx          no time-out
        b"\x6a\x08\x41\x5a"  # push 8; pop r10
        b"\xb8\x80\x00\x00\x00"  # mov eax, 128          rt_sigtimedwait
        b"\x0f\x05"  # syscall
    )
    leave = (
        b"\x31\xff"  # xor edi, edi          status 0
        b"\x6a\x3c\x58"  # push 60; pop rax      exit
        b"\x0f\x05"  # syscall
    )
    reap = (
        b"\x6a\xff\x5f"  # push -1; pop rdi      any child
        b"\x31\xf6"  # xor esi, esi
        b"\x6a\x01\x5a"  # push 1; pop rdx       WNOHANG
        b"\x45\x31\xd2"  # xor r10d, r10d
        b"\x6a\x3d\x58"  # push 61; pop rax      wait4
        b"\x0f\x05"  # syscall
        b"\x85\xc0"  # test eax, eax
    )
    on_child = b"\x83\xf8\x11\x74"  # cmp eax, SIGCHLD; je reap
    on_error = b"\x85\xc0\x78"  # test eax, eax; js wait (interrupted)
    before_leave = len(wait) + len(on_child) + 1 + len(on_error) + 1
    loop = (
        wait
        + on_child
        + _short(len(on_error) + 1 + len(leave))
        + on_error
        + _short(-before_leave)
        + leave
        + reap
        + b"\x7f"  # jg reap
        + _short(-(len(reap) + 2))
        + b"\xeb"  # jmp wait
        + _short(-(before_leave + len(leave) + len(reap) + 4))
    )
    return block + loop


def _short(distance: int) -> bytes:
    return struct.pack("<b", distance)
