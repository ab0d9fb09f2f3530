"""What forked commands find done, in the process that they are forked from: imported there, and nowhere else.

A command builds the models that it reads with, and compiles the SQL that it asks its ledger with. Nothing of that hangs
on its words, its folder or its environment.
"""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from reconciler.kind.semantics import SpecModel
from reconciler.ledger.reader import read_memory
from reconciler.ledger.writer import Ledger


def _models(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


for each in _models(SpecModel):
    each.model_rebuild()
with tempfile.TemporaryDirectory() as folder:
    url = f"sqlite:///{Path(folder) / 'ledger.db'}"
    Ledger.open(url).close()
    read_memory(url, "test", ["https://api.example/v1"])
# The collector of a forked process would write to all of it, and so copy it.
gc.freeze()
