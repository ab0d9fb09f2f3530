"""Requests made from an OpenAPI file, for whatever must take any of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

# By hand: so many requests for each operation, and each boundary of its schema besides.
THOROUGH = int(os.environ.get("RECONCILER_TEST_FUZZ_EXAMPLES", "0"))


def fuzz(document: dict[str, Any], method: str, examples: int, check: Callable[[Any], None]) -> Iterator[str]:
    """Try every operation of one method, and yield its name when it is through.

    Args:
        document: The OpenAPI document.
        method: Such as `get`.
        examples: How many requests for each operation, unless it is done by hand.
        check: What a request, a `schemathesis.Case`, must pass.
    """
    # Here and not above: it takes over a second, which each process of a test run would spend.
    import schemathesis
    from hypothesis import HealthCheck, Phase, settings
    from schemathesis.generation.feedback import FeedbackSources
    from schemathesis.pytest._test_builder import build_operation_test

    schema = schemathesis.openapi.from_dict(document)
    schema.config.phases.update(phases=["examples", "fuzzing", *(["coverage"] if THOROUGH else [])])

    @settings(
        max_examples=THOROUGH or examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    def passes(case: schemathesis.Case) -> None:
        check(case)

    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.method != method:
            continue
        build_operation_test(
            config=schema.config,
            operation=operation,
            test_func=passes,
            given_kwargs={},
            feedback=FeedbackSources(),
        )()
        yield operation.label
