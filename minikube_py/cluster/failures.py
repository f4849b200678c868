"""The one exception tree of the command line: expected failures, each told in one clear message.

::

    ClusterError          exit code 1
    ├── SettingsError     the cluster's settings or directory can't be used
    ├── PkiError          a key or certificate on disk can't be used
    ├── PreflightFailed   the host lacks something the cluster needs
    ├── DockerUnreachable the cluster's Docker does not answer
    ├── NotReady          something did not come up in time
    ├── StillRunning      something did not stop in time
    └── UsageError        exit code 2: a flag, variable or settings file can't be used
"""

from __future__ import annotations

from typing import ClassVar


class ClusterError(Exception):
    """An expected failure; its text names the cause and, where there is one, the remedy."""

    exit_code: ClassVar[int] = 1


class SettingsError(ClusterError):
    """A setting is missing or cannot be used; the message names it."""


class PkiError(ClusterError):
    """A key or certificate on disk can't be used; the message names the file."""


class PreflightFailed(ClusterError):
    """Something the cluster needs is missing; the message lists what, and how to get it."""


class DockerUnreachable(ClusterError):
    """The cluster's Docker does not answer; the message names its socket."""


class NotReady(ClusterError):
    """Something did not come up in time; the message says what, and what was last seen of it."""


class StillRunning(ClusterError):
    """A process did not end in time; the message names its pid."""


class UsageError(ClusterError):
    """The command's words, environment or settings file can't be used; the message names the setting."""

    exit_code = 2
