"""Use cases: what may be asked of reconciler, without a terminal, an exit status or a web server."""
