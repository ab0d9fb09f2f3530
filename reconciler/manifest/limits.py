"""Bounds on what a manifest may be: far beyond real ones, small enough that hostile ones end quickly."""

from __future__ import annotations

MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_FILE_EVENTS = 800_000
MAX_FILES = 100_000
MAX_DEPTH = 50
MAX_SCALAR = 65_536
MAX_ALIAS_NODES = 50_000
MAX_NUMBER = 100
MAX_PROBLEMS_PER_FILE = 200
MAX_PROBLEMS = 1_000
