"""Lints of a call, told while it is elaborated: a lint a file."""
