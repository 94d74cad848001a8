"""The pages of lints: each heads the file that tells it, `STAGE/lints/ldNNN_name.py`.

A page is read as text, for to import a lint takes all that it looks at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from os import listdir, path
from typing import Any

from lossdsl.diagnostics.code import Code

PACKAGE = path.dirname(path.dirname(__file__))
# What looks at a whole program, at a call while it is elaborated, and at who calls the loss.
STAGES = ("analyze", "elaborate", "training")


def lint_files() -> Mapping[str, str]:
    """Return the file of each lint by its code.

    >>> path.basename(lint_files()["LD430"])
    'ld430_duplicates.py'
    """
    folders = [path.join(PACKAGE, stage, "lints") for stage in STAGES]
    return {
        name[:5].upper(): path.join(folder, name)
        for folder in folders
        for name in listdir(folder)
        if name.startswith("ld") and name.endswith(".py")
    }


def lint_page(file: str) -> Code:
    """Return what a file of a lint says of it, as `lossdsl explain` shows it.

    >>> lint_page(lint_files()["LD430"]).title
    'term stands twice'
    """
    with open(file, encoding="utf-8") as lines:
        head = lines.read().split('"""', 2)[1]
    first, _, rest = head.partition("\n")
    code, _, title = first.removesuffix(".").partition(": ")
    why, *sections = _SECTION.split(rest)
    blocks = {
        name: _INDENT.sub("", block).strip()
        for name, block in zip(sections[::3], sections[2::3], strict=True)
    }
    form: Any = next(filter(None, sections[1::3]), "loss")
    inputs = dict(line.split(": ", 1) for line in blocks.get("Inputs", "").splitlines())
    return Code(code, title, " ".join(why.split()), blocks["Wrong"], blocks["Right"], inputs, form)


# Wrong and right examples of another form than a text say so: `Wrong (python)`.
_SECTION = re.compile(r"^(Inputs|Wrong|Right)(?: \((\w+)\))?\n", re.MULTILINE)
_INDENT = re.compile(r"^  ", re.MULTILINE)
