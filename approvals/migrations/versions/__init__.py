"""One file a change, named after its revision: `v0002_what_it_does.py`."""
