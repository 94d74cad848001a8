"""Core made flat: operations on arrays alone, with every conversion written out."""
