"""One file per verb and per subresource with behaviour. A handler turns a request into an answer or an ApiError.

What may enter here: the API's semantics. Nothing here parses paths, authenticates or authorizes, and nothing here knows
a kind beyond its strategy, except where a subresource belongs to one kind.
"""
