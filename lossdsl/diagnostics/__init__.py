"""What is wrong with a spec: data, the table of its codes, and how it is printed."""
