"""What holds for all tests. Its place also makes the helpers beside it importable from every room's tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Tests are not timed: a busy machine is no failure. CI tries the same examples every time.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "default")
