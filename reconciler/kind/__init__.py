"""Kinds of live objects: the protocol, the field semantics, the connection it reads and writes through."""
