"""What is known about one function of the language: one record, read by every stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Any

from lossdsl.diagnostics.diagnostic import LossError
from lossdsl.frozen import dataclass
from lossdsl.library.domains import Interval, Positions, read_domains, read_positions
from lossdsl.library.images import Finite, Image
from lossdsl.library.pickled import reduced
from lossdsl.library.syntax_forms import Form
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.options import AXIS, KEEPDIMS, LOSS_OPTIONS, NORMALIZE, STEP, WEIGHT, WHERE
from lossdsl.syntax.parse import parse_signature

Kernel = Callable[..., Any]

OWN = "<lossdsl>/"  # in front of the names of lossdsl's own files

# What a doc comment or docstring may say after its summary, each as `field: text`.
FIELDS = (
    "cite", "aka", "example", "laws", "domain", "note", "nan", "factors", "formula", "primitive",
    "unlike",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Builtin:
    """Everything that is known about one function.

    A primitive has `texts` (one signature or several, the first that fits is taken) and a
    `factory` of its kernel; a function written in the language has `definitions`. Facts:

    - `elementwise`: the signature is lifted over broadcasting and trees.
    - `reduction`: the function also takes `axis`, `keepdims` and `where`; `weighted` adds
      `weight` and `normalize`. `across` names how partial results over the leaves of a tree
      combine: `add`, `maximum`, `minimum`, `multiply`, `and`, `or`, `mean`; None concatenates.
    - `combine` says how a reduction over a batch combines over micro-batches: `mean` or `sum`.
    - `partial` gives, by parameter, a value at which the function and its derivative are finite:
      its value or derivative can be infinite or NaN elsewhere.
    - `domain` says where parameters may lie: `temperature in (0, inf)`, or by a size of the
      signature `y in [0, K) or ignore_index`, which labels of a loss over classes imply.
    - `grows`: over integers the result may be outside of the range of the operands, by its `sign`,
      as a difference, or by its `size`, as a sum of many or a product.
    - `fills`: elements of the result may be NaN or infinite over floats, which integers are not.
    - `accumulates`: the function adds up elements along an axis, so that half precision is f32 in
      it, and in its result.
    - `outer`: the result has axes of several operands, and XLA makes it as it is: it may be far
      larger than what it is made of, and then rows of it are computed a chunk at a time.
    - `rule` computes the type of the result where the signature cannot say it.
    - `axes` says which axis of the result each axis of an operand becomes (see `follow.py`); it is
      implied by `elementwise` and `reduction`. Masks follow it backwards, batches forwards. It is
      asked for each output of a record, and for each leaf of a tree that is given.
    - `sink` says more about elements, for masks: `"pick"`, each of the result is one of the first
      operand, picked alike along the axes that it keeps, or a constant; `"reshape"`, they keep
      their order; a callable returns the part of the result that an operand is. Of a record, the
      words say it of every output.
    - `keeps` names the parameters whose elements the result holds as they are, and with them their
      role: labels that are reshaped are labels.
    - `image` computes from the intervals in which the operands lie that of the values, where no law
      says it; `finite` which number an operand can be at which the function, or its derivative, is
      infinite. See `images.py`.
    - `scales` and `shifts` name the parameters that the result is proportional to, or differs from
      by what the others are: scores times a number are scores.
    - `spelled` has how a function of x is also written: `x*x` is a square.
    - `operator` is the symbol that means this function, such as `+`; `form` is what else of syntax
      and options stands for it. With `internal` it cannot be called by its name.
    - `python` marks a plain Python function: its kernel takes arguments by name, as they come.
    """

    name: str
    family: str
    texts: tuple[str, ...] = ()
    factory: Callable[[], Kernel] | None = None
    definitions: Sequence[ast.Definition] = ()
    elementwise: bool = False
    reduction: bool = False
    weighted: bool = False
    across: str | None = None
    combine: str | None = None
    partial: Mapping[str, float] = field(default_factory=dict[str, float])
    grows: str | None = None
    fills: bool = False
    accumulates: bool = False
    outer: bool = False
    rule: Callable[..., Any] | None = None
    axes: Callable[..., Any] | None = None
    sink: str | Callable[..., Any] | None = None
    keeps: tuple[str, ...] = ()
    scales: tuple[str, ...] = ()
    shifts: tuple[str, ...] = ()
    laws: tuple[str, ...] = ()
    image: Image | None = None
    finite: Finite | None = None
    domain: str = ""
    spelled: tuple[str, ...] = ()
    operator: str | None = None
    form: Form | None = None
    internal: bool = False
    python: bool = False
    doc: str = ""

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return reduced(self)

    def __copy__(self) -> Builtin:
        return self

    def __deepcopy__(self, memo: object) -> Builtin:
        return self

    @cached_property
    def signatures(self) -> tuple[ast.Signature, ...]:
        """The parsed signatures; a primitive's text is part of lossdsl, so it must parse."""
        if self.definitions:
            return tuple(definition.signature for definition in self.definitions)
        return tuple(_signature(text, self.name) for text in self.texts)

    def taking(self, operands: int) -> ast.Signature:
        """Return the first signature of that many arrays; their dtypes are alike in all such."""
        counts = self._array_counts
        return self.signatures[counts.index(operands) if operands in counts else 0]

    @cached_property
    def result_roles(self) -> frozenset[str | None]:
        """The roles that the signatures declare of results, None for one without."""
        results = (signature.result for signature in self.signatures)
        return frozenset(
            result.role if isinstance(result, ast.ArrayTypeExpr) else None for result in results
        )

    @cached_property
    def _array_counts(self) -> tuple[int, ...]:
        return tuple(
            sum(isinstance(parameter.type, ast.ArrayTypeExpr) for parameter in signature.parameters)
            for signature in self.signatures
        )

    @cached_property
    def kernel(self) -> Kernel:
        """The JAX kernel: array operands by position, then static options by name."""
        if self.factory is None:
            raise TypeError(f"{self.name} is written in the language and has no kernel")
        return self.factory()

    @property
    def is_loss(self) -> bool:
        """Whether the function is declared by its unreduced value."""
        return bool(self.definitions) and self.definitions[0].kind == "loss"

    @property
    def options(self) -> tuple[str, ...]:
        """The options that a call takes beside the parameters of the signature."""
        if self.is_loss:
            return LOSS_OPTIONS
        if not self.reduction:
            return ()
        weighing = (WEIGHT,) if self.weighted else ()
        dividing = (NORMALIZE,) if self.combine == "mean" else ()
        return (AXIS, KEEPDIMS, WHERE, *weighing, *dividing)

    @property
    def foreign(self) -> bool:
        """Whether a kernel comes from outside of lossdsl, so that nothing is known to be right."""
        return self.python or (self.factory is not None and not is_own_module(self.factory))

    @property
    def is_schedule(self) -> bool:
        """Whether the function is a schedule: what it takes first is the `step`."""
        heads = (signature.parameters[:1] for signature in self.signatures)
        return any(head[0].name == STEP for head in heads if head)

    @cached_property
    def domains(self) -> Mapping[str, Interval]:
        """The range of each parameter that `domain` restricts."""
        return read_domains(self.domain)

    @cached_property
    def positions(self) -> Mapping[str, Positions]:
        """The range of each parameter that `domain` restricts by a size: `y in [0, K)`."""
        return read_positions(self.domain)

    @property
    def aliases(self) -> tuple[str, ...]:
        """What other libraries call the function."""
        return tuple(self.about.get("aka", "").split())

    @property
    def unlike(self) -> Mapping[str, str]:
        """Names in other libraries of what is near to the function but not the same, and how."""
        lines = (line.partition(": ") for line in self.about.get("unlike", "").splitlines())
        return {name: text for name, _, text in lines}

    @cached_property
    def about(self) -> Mapping[str, str]:
        """The doc's fields by name: `summary`, and those of `FIELDS` that are given."""
        return fields(self.doc)


def written(name: str, family: str, definitions: Sequence[ast.Definition], doc: str) -> Builtin:
    """Return a function that is written in the language; its documentation declares facts."""
    about = fields(doc)
    laws, domain = laws_in(about), about.get("domain", "")
    return Builtin(name, family, definitions=definitions, laws=laws, doc=doc, domain=domain)


def is_own_module(function: Callable[..., Any]) -> bool:
    """Say whether a function is written in lossdsl."""
    return (function.__module__ or "").startswith("lossdsl.")


def is_own(source: Source) -> bool:
    """Say whether a text is one of lossdsl's own, which no user can mend."""
    return source.name.startswith(OWN)


def _signature(text: str, name: str) -> ast.Signature:
    parsed, diagnostics = parse_signature(Source(text, f"<signature of {name}>"))
    if parsed is None:
        raise LossError(diagnostics)
    return parsed


def laws_in(about: Mapping[str, str]) -> tuple[str, ...]:
    """Return the laws that the fields of a doc declare."""
    return tuple(law.strip() for law in about.get("laws", "").split(",") if law.strip())


def fields(doc: str) -> Mapping[str, str]:
    """Return what a doc says by field: `summary` first, then those of `FIELDS`."""
    texts: dict[str, str] = {}
    last = "summary"
    for line in doc.strip().splitlines():
        key, colon, rest = line.strip().partition(":")
        if colon and key in FIELDS:
            last = key
            texts[key] = f"{texts[key]}\n{rest.strip()}" if key in texts else rest.strip()
        elif line.strip():
            texts[last] = f"{texts[last]} {line.strip()}" if last in texts else line.strip()
    return texts


def is_operand(parameter: ast.Parameter) -> bool:
    """Say whether a parameter of a primitive is an array or tree, not a static option."""
    return not isinstance(parameter.plain_type, (ast.ChoiceTypeExpr, ast.WordTypeExpr))
