"""Kernels: what the language cannot say, or not with the numerics that are needed."""
