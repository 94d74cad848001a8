"""Print the oldest release that `pyproject.toml` allows of each package, as constraints for pip."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def lowest(extra: str = "test") -> dict[str, str]:
    """Return the minimum of each requirement of the package and of one of its extras."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    minima: dict[str, str] = {}
    waiting = [*project["dependencies"], *project["optional-dependencies"][extra]]
    while waiting:
        requirement = waiting.pop()
        if own := re.fullmatch(rf"{project['name']}\[(\w+)\]", requirement):
            waiting += project["optional-dependencies"][own[1]]
            continue
        pinned = re.fullmatch(r"([\w.-]+)>=([\w.]+)", requirement)
        assert pinned, f"`{requirement}` is not of the form `name>=version`"
        assert pinned[1] not in minima, f"`{pinned[1]}` is required twice"
        minima[pinned[1]] = pinned[2]
    return dict(sorted(minima.items()))


if __name__ == "__main__":
    sys.stdout.writelines(f"{name}=={version}\n" for name, version in lowest().items())
