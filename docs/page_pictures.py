"""Takes the pictures of docs/page/: the page with sample environments, in both colour schemes, wide and at phone width.

Run it when the look of the page changes: `PYTHONPATH=tests python docs/page_pictures.py`. It needs node and
what tests/serve/node/package.json names, which `npm install --no-package-lock --ignore-scripts` there installs.
"""

from __future__ import annotations

from pathlib import Path

from support.chromium import browsed
from support.sample_service import sample_service

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "page"
LARGEST = 100_000
HEIGHTS = {"wide": 1_700, "phone": 1_700}


def main() -> None:
    """Take all pictures; raises SystemExit where one is too large."""
    PICTURES.mkdir(exist_ok=True)
    with sample_service() as url:
        browsed(
            pages=[
                {"name": "environments", "url": f"{url}/", "shot": {"wide": HEIGHTS["wide"]}},
                {"name": "environment", "url": f"{url}/environments/production", "shot": HEIGHTS},
            ],
            shots=str(PICTURES),
        )
    for picture in sorted(PICTURES.glob("*.webp")):
        size = picture.stat().st_size
        print(f"{picture.relative_to(ROOT)}  {size:,} bytes")
        if size > LARGEST:
            raise SystemExit(f"{picture.name} is larger than {LARGEST:,} bytes")


if __name__ == "__main__":
    main()
