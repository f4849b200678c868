"""How a component speaks to the API server: the client protocol, its HTTP implementation and its in-memory fake."""
