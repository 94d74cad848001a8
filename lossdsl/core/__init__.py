"""What a spec means, between the parser and JAX: a hash-consed graph of operations."""
