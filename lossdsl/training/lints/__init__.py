"""Lints of who calls a loss: what the inputs that are trained are made of."""
