"""A spec as a mapping: which keys it has, and what may stand at each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any

from lossdsl.diagnostics.diagnostic import LossError, article, at
from lossdsl.frozen import dataclass
from lossdsl.source import Source
from lossdsl.types.dtypes import has

KEYS = ("text", "loss", "terms", "weights", "inputs")
TERM_KEYS = ("text", "weight", "on")
_FORM = 'such as `{"text": "mse(out, tgt)", "inputs": {…}}`'
_TERM_FORM = 'such as `{"text": "sum_squares(params)", "weight": 1e-4}`'
_WEIGHT = "a number, or a text such as `decay` or `linear_schedule(step, 0, 1e-2, 1000)`"

Path = tuple[str, ...]
Kind = Callable[[object], str]


@dataclass(frozen=True)
class Problem:
    """What keeps a mapping from being a spec, in words that follow the name of `path` in it.

    `key` is the one there that is wrong; without one it is the whole.
    """

    predicate: str
    help: str | None = None
    path: Path = ()
    key: str = ""


@dataclass(frozen=True, slots=True)
class TermGiven:
    """A term of a mapping: its name, its text, its weight if it has one, and whether it is on."""

    name: Source
    text: Source
    weight: Source | None = None
    on: bool = True


@dataclass(frozen=True)
class Parts:
    """A spec in parts, each with its place: what `text`, `inputs`, `terms` and `weights` say."""

    source: Source
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    terms: tuple[TermGiven, ...] = ()
    weights: tuple[tuple[Source, Source], ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """All that is written: terms after the text, then weights with their names, and types."""
        terms = (part for term in self.terms for part in (term.text, term.weight))
        weights = (part for weight in self.weights for part in weight)
        texts = (self.source, *terms, *weights, *self.inputs.values())
        return tuple(text for text in texts if isinstance(text, Source))


def as_mapping(value: Any) -> Mapping[Any, Any] | None:
    """Return what is a mapping, or acts as one, as an `ml_collections.ConfigDict` does."""
    if isinstance(value, dict):
        return value
    if isinstance(value, Mapping) or (type(value).__name__ == "ConfigDict" and has(value, "keys")):
        return {name: _read(value, name) for name in value}
    return None


def _read(mapping: Any, name: Any) -> Any:
    """Return what a mapping of a config library has: one of OmegaConf resolves it only now."""
    try:
        return mapping[name]
    except Exception as error:
        if type(error).__name__ == "MissingMandatoryValue":
            message = f"`{name}` is `???`, which is to be given"
        else:
            told = (str(error) or type(error).__name__).splitlines()[0]
            message = f"`{name}` of the config cannot be read: {told}"
        help = "it is read as the library of the config resolves it; give it, or leave it out"
        raise LossError([at("LD709", message, None, help=help)]) from None


def kind_of(value: object) -> str:
    """Name a value of Python."""
    return "`None`" if value is None else article(type(value).__name__)


def is_spec(value: Any) -> bool:
    """Say whether a whole file is a spec, or a slip away from one, as one of a group is."""
    return (
        isinstance(value, dict)
        and (isinstance(value.get("text"), str) or isinstance(value.get("terms"), dict))
        and all(isinstance(name, str) and get_close_matches(name, KEYS, n=1) for name in value)
    )


def shape_problem(spec: Mapping[Any, Any], kind: Kind = kind_of) -> Problem | None:
    """Return what keeps a mapping from being a spec, but for the types of its inputs.

    `kind` names what a value is, in the words of whoever reads.
    """
    texts = [name for name in ("text", "loss") if name in spec]
    if len(texts) > 1:
        return Problem("has both `text` and `loss`", "they mean the same; keep one", key="loss")
    reading = "nothing reads; a spec has `text`, `terms`, `weights` and `inputs`"
    if problem := _unread(spec, (*texts, *KEYS[2:]), KEYS, reading, _FORM, kind):
        return problem
    if not texts and not spec.get("terms"):
        return Problem("has neither `text` nor `terms`", _FORM)
    if texts and not isinstance(spec[texts[0]], str):
        said = f"has {kind(spec[texts[0]])} for `{texts[0]}`, not a text"
        return Problem(said, _FORM, key=texts[0])
    for name in ("terms", "weights"):
        if as_mapping(spec.get(name, {})) is None:
            entries = "terms" if name == "terms" else "numbers"
            said = f"has {kind(spec[name])} for `{name}`, not a mapping of names to {entries}"
            return Problem(said, _TERM_FORM if name == "terms" else None, key=name)
    return _first(
        *(_term_problem(name, term, kind) for name, term in _items(spec, "terms")),
        *(
            _weight_problem(weight, ("weights",), str(name), kind)
            for name, weight in _items(spec, "weights")
        ),
    )


def _items(spec: Mapping[Any, Any], name: str) -> list[tuple[Any, Any]]:
    return [(key, value) for key, value in (as_mapping(spec.get(name, {})) or {}).items()]


def _first(*problems: Problem | None) -> Problem | None:
    return next((problem for problem in problems if problem is not None), None)


def _unread(
    spec: Mapping[Any, Any],
    read: tuple[str, ...],
    known: tuple[str, ...],
    reading: str,
    form: str,
    kind: Kind,
) -> Problem | None:
    for name in spec:
        if name not in read:
            shown = f"`{name}`" if isinstance(name, str) else f"{kind(name)} for a key"
            close = get_close_matches(str(name), known, n=1)
            help = f"did you mean `{close[0]}`?" if close else form
            if kind(spec[name]) == "nothing" and not str(name).isidentifier():
                help = "within `{…}` YAML ends a text at a comma: write it in quotes"
            return Problem(f"has {shown}, which {reading}", help, key=str(name))
    return None


def _term_problem(name: Any, term: Any, kind: Kind) -> Problem | None:
    if not isinstance(name, str):
        return Problem(f"has {kind(name)} for the name of a term", path=("terms",))
    path, mapping = ("terms", name), as_mapping(term)
    if isinstance(term, str):
        return None
    if mapping is None:
        said = f"has {kind(term)} for the term `{name}`, not a text or a mapping"
        help = _TERM_FORM
        if term is None or kind(term) == "nothing":
            help = f"`{name}: {{on: false, …}}` leaves a term out"
        return Problem(said, help, ("terms",), name)
    mapping = plain_keys(mapping)
    reading = "nothing reads; a term has `text`, `weight` and `on`"
    if problem := _unread(mapping, TERM_KEYS, TERM_KEYS, reading, _TERM_FORM, kind):
        return Problem(problem.predicate, problem.help, path, problem.key)
    if not isinstance(mapping.get("text"), str):
        had = f"has {kind(mapping['text'])} for `text`" if "text" in mapping else "has no `text`"
        return Problem(had, _TERM_FORM, path, "text" if "text" in mapping else "")
    switch = mapping.get("on", True)
    if truth(switch) is None:
        said = f"has {kind(switch)} for `on`, which is `true` or `false`"
        return Problem(said, path=path, key="on")
    return _weight_problem(mapping.get("weight", 1.0), path, "weight", kind)


def plain_keys(term: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Return a term with `on` for the key that YAML 1.1 reads where `on` has no quotes: true.

    OmegaConf and PyYAML read it so. An `on` beside it was put over it, as Hydra does.
    """
    booleans = [name for name in term if truth(name) is True]
    plain = {name: term[name] for name in term if name not in booleans}
    return {"on": term[booleans[0]], **plain} if booleans else plain


def truth(value: Any) -> bool | None:
    """Return the boolean that a value of a config is, or None."""
    if isinstance(value, bool):
        return value
    if getattr(value, "kind", "") == "a boolean":
        return value.text.lower() == "true"
    return None


def is_number(value: Any) -> bool:
    """Say whether a value of a config is a number."""
    if getattr(value, "kind", "") == "a number":
        return not value.tag
    return not isinstance(value, bool) and isinstance(value, Real)


def _weight_problem(value: Any, path: Path, key: str, kind: Kind) -> Problem | None:
    if isinstance(value, str) or is_number(value):
        return None
    name = "a weight" if key == "weight" else f"the weight of `{key}`"
    return Problem(f"has {kind(value)} for {name}", f"a weight is {_WEIGHT}", path, key)


def parts_of(
    spec: Mapping[Any, Any], inputs: Mapping[str, Any], text_at: Callable[[Path, Any], Source]
) -> Parts:
    """Return the parts of a mapping that is a spec.

    `text_at` makes the text of what a path leads to; one that ends in "" leads to a key's name.
    """
    name = next((name for name in ("text", "loss") if name in spec), None)
    source = text_at((), "") if name is None else text_at((name,), spec[name])
    terms: list[TermGiven] = []
    for key, term in _items(spec, "terms"):
        path, mapping = ("terms", key), as_mapping(term)
        if mapping is None:
            terms.append(TermGiven(text_at((*path, ""), key), text_at(path, term)))
            continue
        mapping = plain_keys(mapping)
        weight = text_at((*path, "weight"), mapping["weight"]) if "weight" in mapping else None
        text = text_at((*path, "text"), mapping["text"])
        on = truth(mapping.get("on", True)) is not False
        terms.append(TermGiven(text_at((*path, ""), key), text, weight, on))
    weights = tuple(
        (text_at(("weights", key, ""), key), text_at(("weights", key), weight))
        for key, weight in _items(spec, "weights")
    )
    return Parts(source, inputs, tuple(terms), weights)


def in_python(spec: Mapping[Any, Any], inputs: Mapping[str, Any]) -> Parts:
    """Return the parts of a mapping of Python, whose texts are named after their keys.

    >>> parts = in_python({"terms": {"fit": "mse(out, tgt)"}}, {})
    >>> parts.terms[0].text.name
    '<loss.terms.fit>'
    """
    return parts_of(spec, inputs, _named)


def _named(path: Path, value: Any) -> Source:
    text = value if isinstance(value, str) else number_text(value)
    keys = path[:-2] if path and not path[-1] else path
    steps = keys[:-1] if keys and keys[-1] in ("text", "loss") else keys
    return Source(text, f"<{'.'.join(('loss', *steps))}>")


def number_text(value: Real | float) -> str:
    """Return a number as the language writes it, whatever class of Python it has.

    >>> number_text(1e-3), number_text(2)
    ('0.001', '2')
    """
    return repr(int(value) if isinstance(value, Integral) else float(value))
