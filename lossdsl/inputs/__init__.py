"""What a spec and its inputs may be given as, and how inputs are declared."""
