"""The command line, ``minikube-py``: flags and exit codes here, the work in ``commands``.

Exit codes: 0 done, 1 it failed, 2 the command's words or settings can't be used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from minikube_py import __version__
from minikube_py.cluster.components import COMPONENTS, Component, run_component
from minikube_py.cluster.failures import ClusterError
from minikube_py.cluster.settings import DEFAULT_DATA_DIR

app = typer.Typer(
    name="minikube-py",
    help="A real, small Kubernetes: one command to a cluster on this host.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
image_app = typer.Typer(help="Images on every host of the cluster, no registry needed.", no_args_is_help=True)
app.add_typer(image_app, name="image")

DataDir = Annotated[
    Path,
    typer.Option("--data-dir", envvar="MINIKUBE_PY_DATA_DIR", help="The one directory that holds all of a cluster."),
]
PortOption = Annotated[int | None, typer.Option(min=1, max=65535, show_default=False)]


@app.command()
def up(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    kubernetes_version: Annotated[
        str | None, typer.Option(help="The API level presented, 1.25 to 1.37.  [default: 1.32]")
    ] = None,
    pod_cidr: Annotated[str | None, typer.Option(help="Addresses of pods.  [default: 10.244.0.0/16]")] = None,
    service_cidr: Annotated[str | None, typer.Option(help="ClusterIPs of Services.  [default: 10.96.0.0/12]")] = None,
    node_port_range: Annotated[str | None, typer.Option(help="NodePorts.  [default: 30000-32767]")] = None,
    node_name: Annotated[str | None, typer.Option(help="The node's name.  [default: the host's name]")] = None,
    node_ip: Annotated[
        str | None, typer.Option(help="The node's address.  [default: the default route's source]")
    ] = None,
    docker_host: Annotated[
        str | None, typer.Option(help="Docker's socket.  [default: unix:///var/run/docker.sock]")
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.  [default: info]")] = None,
    api_workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes of the API server.  [default: 1]", show_default=False)
    ] = None,
    encryption_provider_config: Annotated[
        Path | None, typer.Option(help="An EncryptionConfiguration: which kinds etcd holds encrypted, by which keys.")
    ] = None,
    audit_policy_file: Annotated[
        Path | None, typer.Option(help="An audit Policy; events go to logs/audit.log of the data directory.")
    ] = None,
    api_port: PortOption = None,
    etcd_port: PortOption = None,
    etcd_peer_port: PortOption = None,
    kubelet_port: PortOption = None,
    kubelet_healthz_port: PortOption = None,
    scheduler_port: PortOption = None,
    controller_manager_port: PortOption = None,
    proxy_healthz_port: PortOption = None,
    proxy_metrics_port: PortOption = None,
    dns_port: PortOption = None,
    dns_metrics_port: PortOption = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for each step.")] = 120.0,
) -> None:
    """Start the one-host cluster; return when the node is Ready and DNS answers.

    Idempotent: what runs is left running. Settings are kept in the data directory and need be given only once.
    """
    given = dict(locals())
    del given["data_dir"], given["timeout"]
    from minikube_py.cluster.commands.up import up as run

    run(data_dir, given, timeout=timeout)


@app.command()
def down(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Stop the cluster and its pods; keep its data for the next up."""
    from minikube_py.cluster.commands.down import down as run
    from minikube_py.cluster.settings import require_settings

    run(require_settings(data_dir.absolute()))


@app.command()
def status(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Show what runs, and whether it works; exit code 0 only if all of it does."""
    from minikube_py.cluster.commands.status import status as run
    from minikube_py.cluster.settings import require_settings

    raise typer.Exit(run(require_settings(data_dir.absolute())))


@app.command()
def logs(
    component: Annotated[str, typer.Argument(help="etcd, apiserver, scheduler, controller-manager, kubelet, …")],
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on printing what is added.")] = False,
    tail: Annotated[int, typer.Option(help="Only the last lines; -1 for all.")] = -1,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Print a component's log."""
    from minikube_py.cluster.commands.logs import logs as run

    run(data_dir.absolute(), component, follow=follow, tail=tail)


@app.command()
def reset(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Remove everything the cluster made on this host, its data too, and nothing else."""
    from minikube_py.cluster.commands.reset import reset as run

    run(data_dir.absolute())


@image_app.command("load")
def image_load(
    file: Annotated[Path, typer.Argument(help="An archive made by 'docker save'.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Load images from an archive."""
    from minikube_py.cluster.commands.image import load
    from minikube_py.cluster.settings import require_settings

    load(require_settings(data_dir.absolute()), file)


@image_app.command("ls")
def image_ls(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """List the images that pods can use without pulling."""
    from minikube_py.cluster.commands.image import list_images
    from minikube_py.cluster.settings import require_settings

    list_images(require_settings(data_dir.absolute()))


@app.command()
def version() -> None:
    """Print the version."""
    print(f"minikube-py {__version__}")


def _run_in_foreground(component: Component) -> Callable[[typer.Context], None]:
    def run(context: typer.Context) -> None:
        raise typer.Exit(run_component(component, context.args))

    return run


for _component in COMPONENTS.values():
    # The component's own parser knows its flags (and --help), so typer passes everything on.
    app.command(
        _component.name,
        help=f"{_component.summary} Runs in the foreground; settings by file, environment and flag.",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    )(_run_in_foreground(_component))


def main() -> None:
    """Runs the command line; expected failures are one clear message on stderr, not a traceback."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except ClusterError as error:
        print(f"minikube-py: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
