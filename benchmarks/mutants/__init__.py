"""Mutants of right specs: how many mistakes `lossdsl.check` finds, and how often it is wrong."""
