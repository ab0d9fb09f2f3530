from __future__ import annotations

from support.statements import sql_compiled_once  # noqa: F401 - a fixture for all tests here
