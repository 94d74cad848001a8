"""Text to syntax tree and back: the grammar, the parser, its errors, and the formatter."""
