"""A compiled loss as Python source that runs without lossdsl."""
