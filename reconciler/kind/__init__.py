"""What a kind of live object is: the protocol, the field semantics, the connection it reads and writes through."""
