"""What core says of a program: how it combines, what it bounds and costs, what is likely wrong."""
