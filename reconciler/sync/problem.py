"""What is wrong with a record, told to the merchant. A plain value."""

from __future__ import annotations

from msgspec import Struct


class RecordProblem(Struct, frozen=True):
    """What is wrong with a record.

    Args:
        external_id: the record's ID in the sync log: the product's, or `{ProductID}/{VariantID}`.
        part: what it keeps from going through.
        code: stable, e.g. `no-sku`; docs/sync.md lists them.
        message: what is wrong and what to do, for a merchant.
    """

    external_id: str
    part: str
    code: str
    message: str
