"""Pull requests and pipelines: what a forge is asked and told. Each forge is one file behind `forge.py`."""
