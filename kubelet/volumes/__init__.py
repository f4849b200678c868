"""Volumes: one file for each kind, and the manager that sets them up, keeps them fresh and takes them down.

A kind whose files are made from API objects (configMap, secret, downwardAPI, projected) is a pure function from
materials to a payload; one atomic writer puts every payload on disk.
"""
