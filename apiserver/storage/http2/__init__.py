"""gRPC calls over one HTTP/2 connection on asyncio: what a client of etcd needs of RFC 9113 and RFC 7541, and no more.

May enter: frames, header blocks, flow control, calls. May not: anything of etcd. Why this is not grpcio or h2 is
measured in ``docs/adr/0005-api-server-speed.md``.
"""
