"""Events in, whatever carries them: what a message touches, and the inbox that holds it before it is acknowledged."""
