"""Makes ``proxy_lab`` importable by the tests of this directory, and its fixtures known to them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from proxy_lab import lab, namespace

__all__ = ["lab", "namespace"]
