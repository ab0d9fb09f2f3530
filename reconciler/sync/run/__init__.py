"""The engine of a data sync: what a run does, whatever flows through it."""
