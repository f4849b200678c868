"""What a user may do: the Node authorizer, then RBAC; the first that allows decides, nobody denies.

What may enter here: decisions over attributes of a request. Who the user is, is decided in ``authn``.
"""
