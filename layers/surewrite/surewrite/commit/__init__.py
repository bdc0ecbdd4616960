"""How a write becomes true exactly once: the protocol, from the transport to the unit of work."""
