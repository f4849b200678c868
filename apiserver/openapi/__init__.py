"""The OpenAPI documents that clients read: v3 by group and version, v2 whole, as JSON and as gnostic's protobuf.

Made from the published schemas and the table of kinds when first asked for, and kept compressed.
"""

from apiserver.openapi.documents import Document, OpenApi

__all__ = ["Document", "OpenApi"]
