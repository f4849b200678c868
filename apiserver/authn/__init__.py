"""Who asks: client certificates and service-account tokens.

What may enter here: turning credentials into a user. What a user may do is decided in ``authz``.
"""
