"""The Endpoints controller: all pods that answer for a Service in one object, for those who still read that."""
