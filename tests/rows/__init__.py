"""What independent sources give for the functions of the library, one module a family."""
