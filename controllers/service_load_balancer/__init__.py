"""Load balancers made of the nodes themselves."""
