"""The terminal client: what a person sees and does. Everything it knows comes from the services through `gateway`."""
