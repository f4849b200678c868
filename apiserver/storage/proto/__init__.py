"""etcd's messages, generated from ``etcd.proto`` by ``regenerate.py``; only generated code may enter here."""
