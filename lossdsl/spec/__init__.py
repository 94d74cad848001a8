"""Specs in files and configs, with the positions they have there."""
