"""The components by name, their settings from file, environment and flags, and running one in this process."""

from __future__ import annotations

import argparse
import asyncio
import errno
import importlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import yaml
from pydantic import BaseModel, ValidationError

from minikube_py.cluster.failures import UsageError

WORKER_STOP_SECONDS = 15.0
"""How long workers are given to stop: longer than any component takes for it."""


@dataclass(frozen=True, slots=True)
class Component:
    """A component's name on the command line, the module that holds its ``Settings`` and ``run``, what it does."""

    name: str
    module: str
    summary: str


COMPONENTS: dict[str, Component] = {
    component.name: component
    for component in (
        Component("apiserver", "apiserver.main", "Serve the Kubernetes API from etcd."),
        Component("scheduler", "scheduler.main", "Assign pods to nodes."),
        Component("controller-manager", "controllers.main", "Run the controllers that move the cluster to its spec."),
        Component("kubelet", "kubelet.main", "Run this host's pods on Docker."),
        Component("proxy", "proxy.main", "Program nftables for Services on this host."),
        Component("dns", "proxy.dns.main", "Answer cluster DNS on this host."),
    )
}


def settings_type(component: Component) -> type[BaseModel]:
    """The component's ``Settings`` model; imports the component."""
    return cast(type[BaseModel], importlib.import_module(component.module).Settings)


def run_function(component: Component) -> Callable[[Any, asyncio.Event], Awaitable[None]]:
    """The component's ``run`` coroutine function."""
    return cast(Callable[[Any, asyncio.Event], Awaitable[None]], importlib.import_module(component.module).run)


def environment_prefix(component: Component) -> str:
    """``MINIKUBE_PY_KUBELET_`` for the kubelet."""
    return f"MINIKUBE_PY_{component.name.upper().replace('-', '_')}_"


def argument_parser(component: Component, model: type[BaseModel]) -> argparse.ArgumentParser:
    """A parser with one flag for every field of the settings."""
    parser = argparse.ArgumentParser(
        prog=f"minikube-py {component.name}",
        description=f"{component.summary} Runs in the foreground until SIGINT or SIGTERM.",
        epilog=f"Every setting can also be given in the file named by --config (YAML) or as the environment variable "
        f"{environment_prefix(component)}<NAME>. A flag wins over the environment, the environment over the file. "
        f"Lists are comma-separated.",
    )
    parser.add_argument("--config", metavar="FILE", help="YAML file of settings")
    for name, field in model.model_fields.items():
        required = field.is_required()
        default = "required" if required else f"default: {field.get_default(call_default_factory=True)!r}"
        text = (field.description or "").rstrip(".")
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            dest=name,
            metavar="VALUE",
            default=None,
            help=f"{text} ({default})".strip().replace("%", "%%"),
        )
    return parser


def _from_text(model: type[BaseModel], name: str, text: str) -> Any:
    annotation = str(model.model_fields[name].annotation)
    if annotation.startswith(("list", "tuple", "set", "frozenset")):
        return [part for part in text.split(",") if part]
    if annotation.startswith(("dict", "collections.abc.Mapping")):
        return dict(part.split("=", 1) for part in text.split(",") if "=" in part)
    return text


def load_settings(
    component: Component, model: type[BaseModel], arguments: Sequence[str], environment: Mapping[str, str]
) -> BaseModel:
    """The settings that file, environment and flags give together. Raises UsageError that names what is wrong."""
    parsed = argument_parser(component, model).parse_args(list(arguments))
    values: dict[str, Any] = {}
    if parsed.config:
        try:
            with open(parsed.config, encoding="utf-8") as file:
                loaded = yaml.safe_load(file) or {}
        except (OSError, yaml.YAMLError) as error:
            raise UsageError(f"--config {parsed.config}: {error}") from error
        if not isinstance(loaded, dict):
            raise UsageError(f"--config {parsed.config}: expected a mapping of settings")
        values.update(loaded)
    prefix = environment_prefix(component)
    for name in model.model_fields:
        text = environment.get(prefix + name.upper())
        if text is not None:
            values[name] = _from_text(model, name, text)
        flag = getattr(parsed, name)
        if flag is not None:
            values[name] = _from_text(model, name, flag)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise UsageError(explain_validation(error)) from error


def explain_validation(error: ValidationError) -> str:
    """One line for every setting that pydantic refused."""
    return "\n".join(
        f"{'.'.join(str(part) for part in problem['loc']) or 'settings'}: {problem['msg']}"
        for problem in error.errors()
    )


def run_component(component: Component, arguments: Sequence[str]) -> int:
    """Runs a component in this process until it is told to stop; returns the exit code.

    0 after SIGINT or SIGTERM, 2 where the settings can't be used, 1 where the component failed. One whose settings ask
    for several ``workers`` runs in as many processes, which this one starts, restarts and stops; its module has a
    function ``prepare`` that is called before.
    """
    from minikube_py.runtime import logs

    try:
        settings = load_settings(component, settings_type(component), arguments, os.environ)
    except UsageError as error:
        print(f"minikube-py {component.name}: {error}", file=sys.stderr)
        return 2
    level = getattr(settings, "log_level", "info")
    logs.configure(component.name, level)
    workers = getattr(settings, "workers", 1)
    if workers == 1:
        return _serve(component, settings)

    import setproctitle

    from minikube_py.runtime.workers import supervise

    title = setproctitle.getproctitle()

    def serve(number: int) -> int:
        setproctitle.setproctitle(f"{title} (worker {number})")
        logs.configure(f"{component.name}-{number}", level)
        return _serve(component, settings)

    try:
        importlib.import_module(component.module).prepare(settings)
    except OSError as error:
        print(f"minikube-py {component.name}: {error}", file=sys.stderr)
        return 1
    return supervise(workers, serve, stop_seconds=WORKER_STOP_SECONDS)


def _serve(component: Component, settings: BaseModel) -> int:
    """Runs the component's event loop to its end."""
    import uvloop

    run = run_function(component)

    async def until_stopped() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await run(settings, stop)

    try:
        uvloop.run(until_stopped())
    except Exception as error:
        import structlog

        log = structlog.get_logger(component.name)
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            # An everyday fault of the surroundings, whose message says all.
            log.error("Component failed", error=str(error))
        else:
            log.exception("Component failed")
        return 1
    return 0
