"""Finding functions and printing them: as a list, as pages, or as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from shutil import get_terminal_size

from lossdsl.cli.function_search import search
from lossdsl.cli.output import CLEAN, USAGE, PageFormat, say
from lossdsl.cli.pages import HEAD, NAME, Page, missing
from lossdsl.diagnostics.snippet import Line
from lossdsl.library.aliases import folded, known_as
from lossdsl.library.declare import Builtin, Library

_NARROWEST, _WIDEST = 40, 100


def show_functions(
    library: Library, words: str | None, family: str | None, format: PageFormat
) -> int:
    """Print the functions of a family that words fit; return the exit code."""
    selection = chosen(library, words, family)
    if isinstance(selection, Page):
        return _print(selection)
    if format is PageFormat.json:
        from lossdsl.cli.function_facts import facts

        return _print(
            _as_json([facts(function, library).model_dump(mode="json") for function in selection])
        )
    if format is not PageFormat.full:
        from lossdsl.cli.function_page import formula_page

        texts = (formula_page(function, library, format, _width()) for function in selection)
        return _print(Page(tuple(line for page in texts if page.found for line in page.lines)))
    return _print(result_list(selection, _width()) if words else function_list(selection, _width()))


def show_pages(names: Iterable[str], library: Library, format: PageFormat) -> int:
    """Print the pages of functions, and what is wrong with other names; return the exit code."""
    from lossdsl.cli.function_page import with_values

    known = [(name, library.get(name)) for name in names]
    functions = [function for _, function in known if function is not None]
    missed = [unknown(name, library) for name, function in known if function is None]
    if format is PageFormat.json:
        objects = [with_values(function, library).model_dump(mode="json") for function in functions]
        pages = [_as_json(objects[0] if len(known) == 1 else objects)] if objects else []
    else:
        pages = [_page(function, library, format) for function in functions]
    return max([_print(page) for page in (*pages, *missed)], default=CLEAN)


def _page(function: Builtin, library: Library, format: PageFormat) -> Page:
    from lossdsl.cli.function_page import formula_page, function_page

    if format is PageFormat.full:
        return function_page(function, library, _width())
    return formula_page(function, library, format, _width())


def _width() -> int:
    return min(max(get_terminal_size().columns, _NARROWEST), _WIDEST)


def _print(page: Page) -> int:
    say(*page.lines, error=not page.found)
    return CLEAN if page.found else USAGE


def _as_json(value: object) -> Page:
    import json

    return Page(([(json.dumps(value, indent=2), "")],))


def chosen(library: Library, words: str | None, family: str | None) -> list[Builtin] | Page:
    """Return the functions of a family that words fit, or the page that says there are none."""
    families = {library[name].family for name in library}
    if family is not None and family not in families:
        return missing("family", family, families)
    functions = search(words, library) if words else [library[name] for name in sorted(library)]
    functions = [function for function in functions if family in (None, function.family)]
    if functions:
        return functions
    return Page(([(f"no function fits `{words}`", "")],), found=False)


def function_list(functions: Iterable[Builtin], width: int) -> Page:
    """Return functions by family, each with its summary."""
    families: dict[str, list[Builtin]] = {}
    for function in functions:
        families.setdefault(function.family, []).append(function)
    lines: list[Line] = []
    for family in sorted(families):
        lines += [[(family, HEAD)], *_rows(families[family], width), []]
    count = sum(map(len, families.values()))
    lines.append([(f"{count} functions; `lossdsl functions NAME` shows one", "")])
    return Page(tuple(lines))


def result_list(functions: list[Builtin], width: int) -> Page:
    """Return functions in the order in which they were found."""
    return Page(tuple(_rows(functions, width, with_family=True)))


def _rows(functions: list[Builtin], width: int, with_family: bool = False) -> Iterator[Line]:
    widest = max(len(function.name) for function in functions)
    for function in functions:
        family = f" ({function.family})" if with_family else ""
        summary = function.about.get("summary", "").partition(". ")[0].rstrip(".") + family
        room = max(width - widest - 4, 20)
        short = summary if len(summary) <= room else f"{summary[: room - 1].rstrip()}…"
        yield [(f"  {function.name:{widest}}", NAME), (f"  {short}", "")]


def unknown(name: str, library: Library) -> Page:
    """Return the page that says that there is no function of a name."""
    near = library.unlike.get(folded(name))
    if near is not None:
        text = f"there is no function `{name}`; `{near[0]}` is near: {near[1]}"
        return Page(([(text, "")],), found=False)
    meant = known_as(name, library.aliases)
    if meant is None:
        return missing("function", name, library)
    text = f"there is no function `{name}`; did you mean `{meant}`?"
    return Page(([(text, "")],), found=False)
