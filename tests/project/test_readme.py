"""Every block of the README and of the guide runs, and what the pages show is what it prints.

A page is run from top to bottom in an empty folder, and written anew on the way; nothing may have
changed. `python` blocks share one namespace, and what they print stands in a `text` block below;
a `console` block shows what its commands print; a block that begins with `# name.yaml`,
`# name.toml` or `# name.loss` is a file for the commands below; any other `loss` block is a right
spec; a table row that begins with `params` lists the leaves that it selects.

`python tests/project/test_readme.py` writes the pages.
"""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import jax
import pytest
from typer.testing import CliRunner

import lossdsl
from lossdsl.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
PART = re.compile(
    r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$(?:\n\n```text\n.*?^```$)?"
    r"|^\| `(?P<selector>params[^\n]*?)` \|(?P<meaning>[^\n]*)\|[^|\n]*\|$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")


class Page:
    """A page that is being run in the current folder."""

    def __init__(self, name: str):
        self.name = name
        self.names: dict[str, Any] = {"__name__": "page"}
        self.unread: set[str] = set()

    def run(self, text: str) -> str:
        """Return the page with what its parts print now."""
        text = PART.sub(self.part, text)
        assert not self.unread, f"no command reads {self.unread}"
        return text

    def part(self, found: re.Match[str]) -> str:
        kind, text = found["kind"], found["text"]
        match kind:
            case None:
                leaves = ", ".join(self.selected(found["selector"].replace(r"\|", "|")))
                return f"| `{found['selector']}` |{found['meaning']}| {leaves or 'none'} |"
            case "python":
                printed = self.python("\n" * found.string.count("\n", 0, found.start()) + text)
                return block(kind, text) + (f"\n\n{block('text', printed)}" if printed else "")
            case "console":
                commands = re.findall(r"^\$ (.*)$", text, re.MULTILINE)
                return block(kind, "".join(f"$ {one}\n{self.command(one)}" for one in commands))
            case "loss" | "yaml" | "toml":
                self.spec(kind, text)
                return block(kind, text)
            case _:
                raise AssertionError(f"a block of `{kind}` is not run")

    def python(self, text: str) -> str:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(text, self.name, "exec"), self.names)
        return printed.getvalue()

    def command(self, line: str) -> str:
        words = line.split()
        self.unread -= {*words, "pyproject.toml"}
        self.unread -= {name for name in self.unread if name.partition("/")[0] in words}
        match line.split(maxsplit=1):
            case ["lossdsl", arguments]:
                return CliRunner().invoke(app, arguments).output.strip() + "\n"
            case ["make", goal]:
                subprocess.run(["make", "-n", goal], cwd=ROOT, check=True, capture_output=True)
                return ""
            case _:
                raise AssertionError(f"no command of a reader: {line}")

    def spec(self, kind: str, text: str) -> None:
        if file := re.match(rf"# ([\w/]+\.{kind})\n", text):
            Path(file[1]).parent.mkdir(exist_ok=True)
            Path(file[1]).write_text(text)
            self.unread.add(file[1])
        else:
            assert kind == "loss", "a config without a name"
            found = lossdsl.check(text).diagnostics
            assert not found, "\n\n".join(map(str, found))

    def selected(self, selector: str) -> list[str]:
        loss = lossdsl.compile(f"sum_squares({selector})")
        gradient = jax.grad(lambda params: loss(params=params))(self.names["params"])
        return [
            f"`{jax.tree_util.keystr(path, simple=True, separator='/')}`"
            for path, leaf in jax.tree_util.tree_leaves_with_path(gradient)
            if leaf.any()
        ]


def block(kind: str, text: str) -> str:
    return f"```{kind}\n{text}```"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", PAGES)
def test_the_page_shows_what_it_prints(name: str) -> None:
    text = PAGES[name].read_text(encoding="utf-8")
    assert Page(name).run(text) == text


@pytest.mark.parametrize("name", PAGES)
def test_every_link_of_the_page_leads_somewhere(name: str) -> None:
    for target in LINK.findall(PAGES[name].read_text(encoding="utf-8")):
        assert (PAGES[name].parent / target).exists(), target


def test_the_contributor_is_shown_a_loss_of_the_library() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    ((kind, text),) = re.findall(r"^```(\w*)\n(.*?)^```$", contributing, re.M | re.S)
    assert kind == "loss"
    assert text in (ROOT / "lossdsl/library/losses/regression.loss").read_text(encoding="utf-8")


CHANGED = {
    "nothing shown": "```python\nprint(1)\n```\n",
    "something else shown": "```python\nprint(1)\n```\n\n```text\n2\n```\n",
    "nothing printed": "```python\n```\n\n```text\n2\n```\n",
    "a command's output": "```console\n$ lossdsl check -e 'mean(x)'\nno errors\n```\n",
    "a leaf": "```python\nparams = {'a': 1.0}\n```\n\n| `params` | every leaf | `b` |\n",
}
WRONG = {
    "text that nothing prints": ("```text\n2\n```\n", "`text` is not run"),
    "a foreign language": ("```json\n{}\n```\n", "`json` is not run"),
    "a foreign command": ("```console\n$ rm x\n```\n", "no command of a reader"),
    "a wrong spec": ("```loss\nmean(\n```\n", "LD005"),
    "a file that nobody reads": ("```yaml\n# train.yaml\nloss: mean(x)\n```\n", "no command reads"),
    "a nameless config": ("```yaml\nloss: mean(x)\n```\n", "a config without a name"),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("text", CHANGED.values(), ids=CHANGED)
def test_a_page_that_shows_something_else_would_change(text: str) -> None:
    assert Page("changed").run(text) != text


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_a_page_that_is_wrong_does_not_run(text: str, words: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(words)):
        Page("wrong").run(text)


if __name__ == "__main__":
    for name, path in PAGES.items():
        with tempfile.TemporaryDirectory() as empty, contextlib.chdir(empty):
            path.write_text(Page(name).run(path.read_text(encoding="utf-8")), encoding="utf-8")
