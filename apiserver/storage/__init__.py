"""State: the store protocol, etcd and its in-memory fake, and the watch cache that answers reads.

What may enter here: everything that knows of revisions, keys and stored bytes. Nothing here knows a kind, HTTP or a
request; an object is bytes with metadata, labels and a few selectable fields.
"""
