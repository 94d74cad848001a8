"""Lowering: from core to JAX operations, at trace time."""
