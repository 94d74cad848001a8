"""Transcriptions in float64 NumPy of published losses, one module a field."""
