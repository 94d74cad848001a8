"""From a syntax tree to typed core: names, calls, expressions, terms; what is wrong with each."""
