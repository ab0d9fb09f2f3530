"""The data plane: source records mapped, compared by fingerprint, and only what differs written."""
