"""What types an application of a function has: a type, or the mismatch that stands in its way.

Nothing here reports or builds anything: the elaborator asks with what is declared, and turns a
mismatch into a diagnostic (`explain`); at the call it asks with what is passed.
"""
