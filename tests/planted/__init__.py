"""Faults that are planted in a copy of lossdsl, and the tests that must find each of them.

`python -m planted` (with `tests` on the path) plants one after the other and prints which test
found it; `tests/project/test_planted.py` holds that every row still stands for a place of the
source.
"""
