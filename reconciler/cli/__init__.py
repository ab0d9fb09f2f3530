"""The command line: one file per command in `commands/`; the frame around them in the other modules."""
