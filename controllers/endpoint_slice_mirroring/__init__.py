"""The EndpointSlice mirroring controller: Endpoints that people made, as the slices that the proxies read."""
