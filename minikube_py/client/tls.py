"""The TLS context of a client."""

from __future__ import annotations

import os
import ssl

from minikube_py.client.kubeconfig import KubeConfig


def client_context(config: KubeConfig) -> ssl.SSLContext:
    """TLS 1.2 or newer, trusting the cluster's CA alone, presenting the client certificate where there is one.

    Raises ValueError where a certificate or key can't be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if config.insecure_skip_tls_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif config.ca_data:
            context.load_verify_locations(cadata=config.ca_data.decode())
        else:
            context.load_default_certs()
        if config.client_certificate_data:
            _load_client_certificate(context, config.client_certificate_data, config.client_key_data)
    except (ssl.SSLError, UnicodeDecodeError) as error:
        raise ValueError(f"certificate or key for {config.server} can't be used: {error}") from error
    return context


def _load_client_certificate(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    # The ssl module takes files only; an anonymous one in memory keeps the key off the disk.
    descriptor = os.memfd_create("client-certificate")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(certificate + b"\n" + key)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
