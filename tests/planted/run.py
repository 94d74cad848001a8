"""One fault planted in a copy of the checkout, and the tests that are run against it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", "__pycache__", ".*_cache", ".hypothesis", "build", "dist", "out"
)
LONGEST = 120.0
"""Seconds after which the tests of one fault are ended: a fault may let a loop run for ever."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault: what stands in a file below `lossdsl/`, and the wrong text in its place.

    `wrong` says what that does, in a line; `tests` are the files of tests that must find it, of
    which `keyword` leaves those that `pytest -k` selects.
    """

    file: str
    text: str
    faulty: str
    wrong: str
    tests: tuple[str, ...]
    keyword: str = ""

    def problem(self, root: Path) -> str | None:
        """Say why the fault cannot be planted in a checkout; None if it can.

        >>> row = Mutant("source.py", "def no_such_function(", "", "is not there", ())
        >>> row.problem(Path(__file__).parents[2])
        'its text occurs 0 times in lossdsl/source.py, not once'
        """
        times = (root / "lossdsl" / self.file).read_text(encoding="utf-8").count(self.text)
        if times != 1:
            return f"its text occurs {times} times in lossdsl/{self.file}, not once"
        if self.text == self.faulty:
            return "its text and the faulty text are the same"
        missing = [one for one in self.tests if not (root / one).is_file()]
        return f"there is no {missing[0]}" if missing else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a fault: the test that found it, or why none did."""

    mutant: Mutant
    killer: str | None
    problem: str | None
    seconds: float

    @property
    def is_found(self) -> bool:
        """Whether a test failed, and nothing else went wrong."""
        return self.problem is None and self.killer is not None

    def __str__(self) -> str:
        verdict = f"found by {self.killer}" if self.is_found else f"NOT FOUND: {self.problem}"
        return f"{self.seconds:5.1f} s  {self.mutant.file}: {self.mutant.wrong}\n         {verdict}"


def copied(root: Path, to: Path) -> Path:
    """Copy a checkout without what was built in it; the checkout itself is never changed."""
    shutil.copytree(root, to, ignore=LEFT_OUT)
    return to


def hold_import(copy: Path) -> Path:
    """Return the file that `import lossdsl` reads with the copy on the path; it lies in the copy.

    An editable install of the checkout would be read otherwise, and every fault survive.
    """
    printed = "import lossdsl; print(lossdsl.__file__)"
    found = _python(copy, "-c", printed)
    file = Path(found.stdout.strip() or ".")
    if not file.is_relative_to(copy):
        raise SystemExit(f"`import lossdsl` reads {file}, not the copy {copy}\n{found.stderr}")
    return file


def tried(mutant: Mutant, root: Path, copy: Path) -> Outcome:
    """Plant a fault in the copy, run its tests there, and take it out again."""
    problem = mutant.problem(root)
    if problem is not None:
        return Outcome(mutant, None, problem, 0)
    before, planted = root / "lossdsl" / mutant.file, copy / "lossdsl" / mutant.file
    text = before.read_text(encoding="utf-8").replace(mutant.text, mutant.faulty)
    planted.write_text(text, encoding="utf-8")
    report = copy.parent / "report.xml"
    report.unlink(missing_ok=True)
    begun = time.monotonic()
    try:
        run = _python(copy, *_PYTEST, str(report), "-k", mutant.keyword, *mutant.tests)
        killer, problem = _verdict(run, report)
    except subprocess.TimeoutExpired:
        killer, problem = None, f"the tests ran for more than {LONGEST:g} s"
    finally:
        shutil.copy2(before, planted)
    return Outcome(mutant, killer, problem, time.monotonic() - begun)


_PYTEST = (
    *("-m", "pytest", "-x", "-q", "-n", "2", "-p", "no:cacheprovider"),
    *("-o", "junit_family=xunit1", "--junitxml"),
)


def _python(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the copy; workers of pytest end with it, also where a fault let one hang."""
    command = [sys.executable, *arguments]
    with subprocess.Popen(
        command,
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, error = process.communicate(timeout=LONGEST)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, error)


def _verdict(run: subprocess.CompletedProcess[str], report: Path) -> tuple[str | None, str | None]:
    """Return the first test that failed, or what happened instead."""
    if run.returncode == 0:
        return None, "every test passes"
    # With workers beside it, `-x` ends as an interrupt does.
    stopped = run.returncode == 1 or (run.returncode == 2 and "stopping after" in run.stdout)
    if not stopped or not report.exists():
        last = " ".join((run.stdout + run.stderr).split()[-30:])
        return None, f"pytest ended with {run.returncode}: {last}"
    cases = list(ElementTree.parse(report).iter("testcase"))
    for case in cases:
        for word in ("error", "failure"):
            found = case.find(word)
            message = "" if found is None else found.get("message", "")
            if found is not None and (word == "error" or "crashed while running" in message):
                return None, f"{_id(case)} did not fail, but broke: {message}"
    failed = [_id(case) for case in cases if case.find("failure") is not None]
    return (failed[0], None) if failed else (None, "no test failed")


def _id(case: ElementTree.Element) -> str:
    return f"{case.get('file')}::{case.get('name')}"
