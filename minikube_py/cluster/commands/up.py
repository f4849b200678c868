"""``minikube-py up``: start the one-host cluster, and return when it can be used."""

from __future__ import annotations

import asyncio
import datetime
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from minikube_py.cluster import pki, preflight, processes, readiness, supervisor
from minikube_py.cluster.components import explain_validation
from minikube_py.cluster.failures import PreflightFailed, SettingsError, UsageError
from minikube_py.cluster.progress import Steps
from minikube_py.cluster.settings import ClusterSettings, default_node_ip, stored_settings

FIXED_SETTINGS = ("pod_cidr", "service_cidr", "node_name", "cluster_domain")
"""What the stored objects depend on, so that it can't change while there is data."""


def resolve_settings(data_dir: Path, given: Mapping[str, Any]) -> ClusterSettings:
    """The stored settings with what was given on top, completed from the host.

    Raises UsageError for a value that can't be used, SettingsError for one that can't change any more.
    """
    stored = stored_settings(data_dir)
    values: dict[str, Any] = stored.model_dump() if stored else {}
    changed = {name: value for name, value in given.items() if value is not None}
    try:
        settings = ClusterSettings.model_validate({**values, **changed, "data_dir": data_dir})
    except ValidationError as error:
        raise UsageError(explain_validation(error)) from error
    if stored:
        for name in FIXED_SETTINGS:
            if getattr(settings, name) != getattr(stored, name):
                raise SettingsError(
                    f"{name.replace('_', '-')} is {getattr(stored, name)} in the existing cluster and can't change: "
                    f"'minikube-py reset' first"
                )
    settings = _with_files(settings)
    return settings if settings.node_ip else settings.model_copy(update={"node_ip": default_node_ip()})


def _with_files(settings: ClusterSettings) -> ClusterSettings:
    """The settings with the API server's files named absolutely. Raises UsageError for one that can't be used."""
    from apiserver.audit import policy
    from apiserver.storage.encryption import config

    found: dict[str, Path] = {}
    for name, load in (("encryption_provider_config", config.load), ("audit_policy_file", policy.load)):
        path = getattr(settings, name)
        if path is None:
            continue
        found[name] = path.absolute()
        try:
            load(str(path))
        except ValueError as error:
            raise UsageError(f"--{name.replace('_', '-')}: {error}") from None
    return settings.model_copy(update=found)


def up(data_dir: Path, given: Mapping[str, Any], *, timeout: float) -> ClusterSettings:
    """Starts what is not running and waits until the node is Ready and DNS answers.

    Raises PreflightFailed, UsageError, SettingsError, PkiError, NotReady; what runs is left running.
    """
    data_dir = data_dir.absolute()
    steps = Steps()
    started_at = datetime.datetime.now(datetime.UTC)
    running = supervisor.supervisor_pid(data_dir) is not None
    if not running:
        supervisor.end_orphans(data_dir)
    settings = resolve_settings(data_dir, given)
    print(f"minikube-py: Kubernetes {settings.kubernetes_version} on {settings.node_name} ({settings.node_ip})")
    with steps.step("Host can run a cluster"):
        _check_host(settings, running=running)
    if running:
        _refuse_changes(data_dir, settings)
    else:
        settings.save()
        with steps.step("Certificates and kubeconfigs"):
            pki.ensure_pki(settings, datetime.datetime.now(datetime.UTC))
            processes.write_component_settings(settings)
        with steps.step("Processes started"):
            supervisor.preload()
            supervisor.start_in_background(data_dir, processes.process_specs(settings))
    asyncio.run(_wait(settings, steps, timeout, None if running else started_at))
    print(f"Ready in {steps.elapsed():.1f} s. To use it:  export KUBECONFIG={data_dir / 'admin.conf'}")
    return settings


def _check_host(settings: ClusterSettings, *, running: bool) -> None:
    problems = preflight.check(settings, running=running)
    for problem in problems:
        if not problem.fatal:
            print(f"warning: {problem.message} ({problem.remedy})", file=sys.stderr)
    fatal = [problem for problem in problems if problem.fatal]
    if fatal:
        raise PreflightFailed("\n".join(f"{problem.message}\n    → {problem.remedy}" for problem in fatal))


def _refuse_changes(data_dir: Path, settings: ClusterSettings) -> None:
    stored = stored_settings(data_dir)
    if stored is not None and stored != settings:
        names = [name for name in ClusterSettings.model_fields if getattr(stored, name) != getattr(settings, name)]
        raise SettingsError(
            f"the cluster is running with another {', '.join(name.replace('_', '-') for name in names)}: "
            f"'minikube-py down' first, then 'up' again"
        )


async def _wait(settings: ClusterSettings, steps: Steps, timeout: float, started_at: datetime.datetime | None) -> None:
    client = readiness.open_client(settings)
    try:
        with steps.step("API server answers"):
            await readiness.wait_api(client, timeout)
        with steps.step("Node is Ready"):
            await readiness.wait_node(client, settings.node_name, timeout, since=started_at)
        with steps.step("DNS answers"):
            await readiness.wait_dns(settings, timeout)
    finally:
        await client.close()
