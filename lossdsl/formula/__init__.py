"""Formulas of the functions, derived from their definitions: as LaTeX and as Unicode text."""
