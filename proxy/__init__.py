"""Service networking on a node: nftables rules, routes and DNS, from Services and EndpointSlices."""
