"""Signatures of other packages over the functions of the library: a user changes one import."""
