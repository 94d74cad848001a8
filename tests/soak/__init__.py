"""A generator of programs over the whole vocabulary, and the properties that each must have.

`python -m soak --minutes 40` (with `tests` on the path) runs until the time is over and prints how
many programs of which kind it ran; `tests/whole/test_soak.py` runs the first few of each kind.
"""
