"""Checking what `lossdsl check` is given: specs of texts and files, and texts of definitions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field

from lossdsl.checking import CheckResult, check, check_library
from lossdsl.cli.files import is_config, read_target
from lossdsl.cli.gather import Gathered, Target, nothing
from lossdsl.cli.mend import Mended, mend
from lossdsl.cli.output import OutputFormat, say, show
from lossdsl.core.selected_leaves import Selection
from lossdsl.diagnostics.diagnostic import Diagnostic, at, has_errors
from lossdsl.frozen import dataclass
from lossdsl.inputs.mapping_form import Parts
from lossdsl.library.declare import Library
from lossdsl.source import Source, Span
from lossdsl.spec import keys
from lossdsl.spec.read import Specs
from lossdsl.spec.written import Written
from lossdsl.syntax.parse import parse_program
from lossdsl.types.types import TreeType

Diagnostics = tuple[Diagnostic, ...]

LEAVES = 12  # of a selection that are listed


@dataclass(frozen=True)
class Wanted:
    """What is asked of every spec, and where a file holds those that are checked.

    Of the keys, those that are demanded are read in some file.
    """

    inputs: Mapping[str, str | Source] = field(default_factory=dict[str, "str | Source"])
    library: Library | None = None
    format: OutputFormat = OutputFormat.full
    strict: bool = False
    allowed: frozenset[str] = frozenset()
    keys: tuple[str, ...] = ()
    demanded: tuple[str, ...] = ()
    missing_ok: bool = False
    fix: bool = False
    trees: Mapping[str, TreeType] = field(default_factory=dict[str, TreeType])

    def diagnostics(self, written: Written) -> Diagnostics:
        """Return what is found in a spec."""
        return self.found_in(self.result(written))

    @property
    def looked_up(self) -> tuple[str, ...]:
        """The keys that are looked up where a file is read."""
        return self.keys or (keys.DEFAULT,)

    def result(self, written: Written) -> CheckResult:
        """Check a spec."""
        return check(written, self.inputs, self.library, strict=self.strict, trees=self.trees)

    def found_in(self, result: CheckResult) -> Diagnostics:
        """Return what is found in a spec and not allowed."""
        return tuple(each for each in result.diagnostics if each.code not in self.allowed)

    def show(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Print findings at once, if that is for a reader."""
        if self.format is OutputFormat.full:
            show(diagnostics)


@dataclass(frozen=True)
class Tally:
    """What was found, in how many specs and files, how many files hold none, and what is read."""

    diagnostics: Diagnostics = ()
    specs: int = 0
    files: int = 0
    passed_over: int = 0
    inputs: frozenset[str] = frozenset()

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.diagnostics + other.diagnostics,
            self.specs + other.specs,
            self.files + other.files,
            self.passed_over + other.passed_over,
            self.inputs | other.inputs,
        )

    def __str__(self) -> str:
        text = f"{_counted(self.specs, 'spec')} in {_counted(self.files, 'file')}"
        over = f", {_counted(self.passed_over, 'file')} without one" if self.passed_over else ""
        return text + over


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def check_text(text: str, wanted: Wanted) -> Tally:
    """Check a text of the command line; print what is found, if that is for a reader."""
    tally = _check(Written(Parts(Source(text, "<expression>"))), wanted, quiet=False)
    return tally + Tally(specs=1)


def check_files(gathered: Gathered, wanted: Wanted, stdin: str) -> Tally:
    """Check the specs of files; print what is found, if that is for a reader.

    `stdin` names what comes in by a pipe. A file that is given holds one of the keys; one that a
    directory or pattern leads to need not. Each of these leads to a spec, and each key is read.
    """
    tally = Tally(gathered.diagnostics)
    wanted.show(gathered.diagnostics)
    absent: dict[str, Diagnostic] = {}
    held: set[str] = set()
    fruitful: set[str] = set()
    mended = Mended()
    for target in gathered.targets:
        specs = read_target(target, stdin, wanted.looked_up)
        if wanted.fix and specs.written:
            mended += mend(target.name, wanted.looked_up, wanted.diagnostics)
            specs = read_target(target, stdin, wanted.looked_up)
        part = _check_file(target, specs, wanted)
        tally += part
        absent = {**specs.absent, **absent}
        if not part.passed_over:
            fruitful |= set(target.searches)
            held |= set(wanted.keys) - specs.absent.keys() if is_config(target.name) else set()
            if not (specs.written or target.searches or wanted.missing_ok):
                held |= specs.absent.keys()  # which are told of
    unread = [] if wanted.missing_ok and not gathered.searches else wanted.demanded
    found = [*mended.unwritten, *_fruitless(gathered, wanted, fruitful)]
    for key in () if found else unread:
        if key not in held and (gathered.searches or key in absent):
            found.append(_unread(key, gathered, absent))
    wanted.show(found)
    if wanted.fix:
        say([(str(mended), "bold")], error=True)
    return tally + Tally(tuple(found))


def _check_file(target: Target, specs: Specs, wanted: Wanted) -> Tally:
    found = specs.diagnostics
    if not (specs.written or found):
        if target.searches or wanted.missing_ok:
            return Tally(passed_over=1)
        found = tuple(specs.absent.values())
    wanted.show(found)
    tally = Tally(found, len(specs.written), 1)
    for written in specs.written:
        tally += _check(written, wanted, quiet=bool(target.searches))
    return tally


def _fruitless(gathered: Gathered, wanted: Wanted, fruitful: Collection[str]) -> list[Diagnostic]:
    """Find the directories and patterns without a spec: a check of nothing would pass."""
    told = {span.source.name for each in gathered.diagnostics if (span := each.span)}
    shown = " or ".join(f"`{key}`" for key in wanted.looked_up)
    help = "`--key` says where configs hold theirs, as in `--key train.loss`"
    return [
        nothing(search, f"no file of `{search}` holds {shown}", help)
        for search in gathered.searches
        if search not in fruitful and search not in told
    ]


def _unread(key: str, gathered: Gathered, absent: Mapping[str, Diagnostic]) -> Diagnostic:
    if not gathered.searches:
        return absent[key]
    place = Span(Source("", gathered.searches[0]), 0, 0)
    return at("LD704", f"no file has the key `{key}`", place)


def unread_trees(tally: Tally, wanted: Wanted) -> Tally:
    """Find trees that no spec reads: selectors of another name would have been held to nothing."""
    names = [name for name in wanted.trees if name not in tally.inputs]
    if not tally.specs or has_errors(tally.diagnostics):
        return Tally()
    listed = ", ".join(f"`{name}`" for name in sorted(tally.inputs))
    help = f"the inputs: {listed}; another one is `--params NAME=…`"
    found = tuple(at("LD103", f"no spec reads `{name}`", None, help=help) for name in names)
    wanted.show(found)
    return Tally(found)


def _check(written: Written, wanted: Wanted, quiet: bool) -> Tally:
    """Check a spec; if it is right, say so, with the types of its inputs, where it is not quiet."""
    source = written.source
    result = wanted.result(written)
    found = wanted.found_in(result)
    lines = [f"  {name}: {kind}" for name, kind in result.signature.items()]
    lines += _selected(result.selections)
    if has_errors(found) and _holds_definitions(source):
        library, found = check_library(source, wanted.library)
        lines = [f"  library of {', '.join(sorted(library or ()))}"]
    wanted.show(found)
    if wanted.format is OutputFormat.full and not quiet and not has_errors(found):
        say([(f"{_named(written)}: no errors", "bold green")])
        say(*([(line, "")] for line in lines))
    return Tally(found, inputs=frozenset(result.signature))


def _selected(selections: Iterable[Selection]) -> Iterator[str]:
    """Yield the lines that say which leaves are read."""
    for each in selections:
        many = (
            f"{len(each.leaves)} of {each.of}" if len(each.leaves) < each.of else f"all {each.of}"
        )
        yield f"  {each.text} reads {many} {'leaf' if each.of == 1 else 'leaves'}:"
        shown = [f"    {path}: {kind}" for path, kind in each.leaves.items()]
        yield from shown[:LEAVES]
        if len(shown) > LEAVES:
            yield f"    … and {len(shown) - LEAVES} more"


def _named(written: Written) -> str:
    name = written.source.name
    return name if written.key in ("", keys.DEFAULT) else f"{name}[{written.key}]"


def _holds_definitions(source: Source) -> bool:
    """Say whether a text, which is no right spec, is one of definitions only."""
    program, _ = parse_program(source, library=True)
    return program is not None and bool(program.statements)
