"""Creates what a manifest holds and waits until its Services answer: the quickstart's stand-in for kubectl.

Usage: apply.py KUBECONFIG FILE. What exists already is left as it is.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import httpx
import yaml

from minikube_py.api.errors import AlreadyExists
from minikube_py.api.meta import Object, name_of, namespace_of
from minikube_py.api.resources import BUILT_IN, SERVICES
from minikube_py.client.http import HttpClient

TIMEOUT_SECONDS = 120.0
POLL_SECONDS = 0.25


async def create_all(client: HttpClient, documents: list[Object]) -> None:
    """Creates each object, in the namespace ``default`` where it names none."""
    for document in documents:
        resource = BUILT_IN.by_kind(document["apiVersion"], document["kind"])
        if resource is None:
            sys.exit(f"apply.py: no kind {document['kind']} in {document['apiVersion']}")
        shown = f"{resource.singular}/{name_of(document)}"
        try:
            await client.create(resource, document, namespace=namespace_of(document) or "default")
            print(f"{shown} created")
        except AlreadyExists:
            print(f"{shown} is there already")


async def load_balancer_url(client: HttpClient, service: Object, deadline: float) -> str:
    """The URL of a LoadBalancer Service, once it has an address."""
    while time.monotonic() < deadline:
        current = await client.get(SERVICES, name_of(service), namespace_of(service) or "default")
        ingress = current.get("status", {}).get("loadBalancer", {}).get("ingress") or []
        if ingress:
            return f"http://{ingress[0]['ip']}:{current['spec']['ports'][0]['port']}/"
        await asyncio.sleep(POLL_SECONDS)
    sys.exit(f"apply.py: service {name_of(service)} got no address: see 'minikube-py logs controller-manager'")


async def wait_for_answer(url: str, deadline: float) -> str:
    """The text that the URL answers with, once it does."""
    async with httpx.AsyncClient(timeout=2) as browser:
        while time.monotonic() < deadline:
            try:
                return (await browser.get(url)).raise_for_status().text.strip()
            except httpx.HTTPError:
                await asyncio.sleep(POLL_SECONDS)
    sys.exit(f"apply.py: {url} does not answer: see 'kubectl describe pods'")


async def apply(kubeconfig: str, documents: list[Object]) -> None:
    """Creates the objects, then shows every LoadBalancer Service's answer."""
    client = HttpClient.from_kubeconfig(kubeconfig, user_agent="minikube-py-quickstart")
    deadline = time.monotonic() + TIMEOUT_SECONDS
    try:
        await create_all(client, documents)
        for document in documents:
            if document["kind"] == "Service" and document["spec"].get("type") == "LoadBalancer":
                url = await load_balancer_url(client, document, deadline)
                print(f"\n{url} answers:\n{await wait_for_answer(url, deadline)}")
    finally:
        await client.close()


if __name__ == "__main__":
    manifest = Path(sys.argv[2]).read_text(encoding="utf-8")
    asyncio.run(apply(sys.argv[1], [document for document in yaml.safe_load_all(manifest) if document]))
