"""The EndpointSlice controller: which pods answer for a Service, in slices of at most a hundred."""
