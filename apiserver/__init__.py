"""The API server: one resource engine for every kind, over etcd.

What may enter here: everything that stands between an HTTP request and etcd. Nothing here imports another
component; every other component reaches what is here only through HTTP.
"""
