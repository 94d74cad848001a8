"""What the syntax of the language and the options of losses stand for: the forms of core."""

from __future__ import annotations

from enum import Enum, auto


class Form(Enum):
    """What an operation of core is for, to those that make it and those that look for it.

    A function is declared with the form that it is of. The stages ask for forms and never for
    names, so a function of a user may be called as one of these is.
    """

    WATCH = auto()
    """A value that a debug build looks at."""

    # Masks
    KEEP = auto()
    """A value where a mask is true, with a constant elsewhere."""
    SHIELD = auto()
    """The same, of a mask that the optimizer sank."""
    CHOOSE = auto()
    """One of two values by a condition."""
    PROJECT = auto()
    """A mask reduced over axes."""
    SPREAD = auto()
    """A mask broadcast and reshaped."""
    UNPICK = auto()
    """A mask carried from what is picked to where it is picked."""
    ALIGN = auto()
    """A mask or weight lined up with what it belongs to."""

    # Arrays
    CAST = auto()
    """A conversion to another dtype."""
    HELD = auto()
    """Whether an integer, of which a float is given, is one of 32 bits."""
    INDEX = auto()
    """Static indexing."""
    PERMUTE = auto()
    """Another order of the axes."""
    ZEROS = auto()
    """Zeros of the shape of a value."""
    STOP_GRADIENT = auto()
    """A value that passes no gradient."""
    MEAN = auto()
    """The reduction of `reduce="mean"`."""
    SUM = auto()
    """The reduction of `reduce="sum"`, and of what is divided by a number given."""

    # Trees
    BRANCHES = auto()
    """A tree built from arrays and smaller trees."""
    USABLE = auto()
    """A tree without the leaves that no loss reads."""
    LEAF = auto()
    """One leaf of a tree."""
    ACROSS = auto()
    """The partial results of leaves, combined."""
    JOINED = auto()
    """The elements of all leaves, end to end."""
    MAP = auto()
    """A call that is expanded leaf by leaf."""
    LIMIT = auto()
    """What one element costs that a constraint bounds."""
