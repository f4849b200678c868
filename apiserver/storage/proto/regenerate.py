"""Generates ``etcd_pb2.py`` and ``etcd_pb2.pyi`` from ``etcd.proto``; needs the ``dev`` extra. Run it from anywhere.

protoc stamps its output with a check that the installed protobuf is at least as new as protoc's own. The stubs use
nothing newer than the oldest protobuf that ``pyproject.toml`` admits, so the check is cut out.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
_CHECK = re.compile(
    r"from google\.protobuf import runtime_version as _runtime_version\n"
    r"|_runtime_version\.ValidateProtobufRuntimeVersion\([^)]*\)\n"
)


def main() -> None:
    """Writes both files in place."""
    source = HERE.relative_to(ROOT) / "etcd.proto"
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={ROOT}", f"--python_out={ROOT}"]
    plugin = Path(sys.executable).with_name("protoc-gen-mypy")
    command += [f"--plugin=protoc-gen-mypy={plugin}", f"--mypy_out={ROOT}", str(source)]
    subprocess.run(command, check=True, cwd=ROOT, timeout=120)
    generated = HERE / "etcd_pb2.py"
    generated.write_text(_CHECK.sub("", generated.read_text()))


if __name__ == "__main__":
    main()
