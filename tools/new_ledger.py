"""Write what all steps of the schema make of an empty SQLite file, as the step that a new ledger begins with.

Run it now and then, when many steps have come: `python tools/new_ledger.py`. Without it new ledgers take the steps that
came since, one by one.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from reconciler.ledger import schema

FOLDER = Path(schema.__file__).parent / "sqlite" / "new"
HEAD = """\
-- What the steps to version {version} make of an empty file, by tools/new_ledger.py. A new ledger begins with it:
-- carrying out the steps takes four times as long. A test holds it against them.
"""


def main() -> None:
    """Write the file of the newest version in place of the one before."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for statements in schema.steps("sqlite").values():
            for statement in statements:
                connection.execute(statement)
        made = connection.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
        ).fetchall()
        if any(line.startswith("INSERT") for line in connection.iterdump()):
            raise SystemExit("The steps make rows, too, which are not written here.")
    for old in FOLDER.glob("*.sql"):
        old.unlink()
    FOLDER.mkdir(exist_ok=True)
    text = "".join(f"{sql};\n" for (sql,) in made)
    (FOLDER / f"{schema.VERSION:04}.sql").write_text(HEAD.format(version=schema.VERSION) + text, encoding="utf-8")


if __name__ == "__main__":
    main()
