"""Specs that once gave a wrong answer and their siblings, one module a kind, each with `CASES`."""
