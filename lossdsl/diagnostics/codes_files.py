"""LD7xx and LD999: files and configs, defects of lossdsl."""

from __future__ import annotations

from lossdsl.diagnostics.code import Code

ROWS = (
    Code(
        "LD701",
        title="file cannot be read",
        why="The file does not exist, is not UTF-8, is larger than 1 MiB, or has an ending that "
        "is none of .loss, .yaml, .yml, .json and .toml.",
        bad='lossdsl.load("no_such_file.yaml")',
        form="python",
    ),
    Code(
        "LD702",
        title="file is not well-formed",
        why="YAML, JSON or TOML stops here.",
        bad="loss: [mse(out, tgt)",
        good="loss: mse(out, tgt)",
        form="yaml",
    ),
    Code(
        "LD703",
        title="refused in a config",
        why="A tag in a spec can run code, a hundred bytes of aliases can fill the memory, and of "
        "two equal keys one is lost in silence; nesting deeper than 32 levels is no config.",
        bad="loss: mse(out, tgt)\nloss: mae(out, tgt)",
        good="loss: mse(out, tgt)",
        form="yaml",
    ),
    Code(
        "LD704",
        title="no such key",
        why="The spec is looked up under `loss` unless another key is asked for; `train.loss` "
        "is the key `loss` inside `train`.",
        bad="los: mse(out, tgt)",
        good="loss: mse(out, tgt)",
        form="yaml",
    ),
    Code(
        "LD705",
        title="not a spec",
        why="A spec is a text, or a mapping with `text` (or `loss`), `terms` or both, and perhaps "
        "the `weights` of terms and the types of `inputs`. A term is a text, or a mapping with "
        "`text`, `weight` and `on`.",
        bad="loss: 3",
        good="loss: {text: 'mse(out, tgt)', inputs: {out: 'f32[B]', tgt: 'f32[B]'}}",
        form="yaml",
    ),
    Code(
        "LD706",
        title="comment runs on over folded lines",
        why="YAML joins the lines of a text below `>`, and of one in quotes, before the loss is "
        "read; a comment then swallows the terms on the lines after it.",
        bad="loss: >\n  mse(out, tgt)  # the fit\n  + mean(out)",
        good="loss: |\n  mse(out, tgt)  # the fit\n  + mean(out)",
        form="yaml",
    ),
    Code(
        "LD707",
        title="nothing to check",
        why="A directory or a pattern leads to no spec. A check of nothing would pass, whatever is "
        "wrong with the specs that it was meant for.",
        bad="lossdsl check 'conf/**/*.yaml'",
        form="command",
    ),
    Code(
        "LD708",
        title="setting of a project that is none",
        why="`[tool.lossdsl]` of a `pyproject.toml` says what `lossdsl` does there: `files`, "
        "`exclude`, `keys`, `library` and `allow` are lists of texts, `strict` is true or false. "
        "An option of the command line wins.",
        bad='[tool.lossdsl]\nkey = ["train.loss"]',
        good='[tool.lossdsl]\nkeys = ["train.loss"]',
        form="pyproject",
    ),
    Code(
        "LD709",
        title="interpolation that is not resolved",
        why="`${rate}` in a config is no text of the language: OmegaConf, which Hydra composes "
        "configs with, puts another key's value there. Where it is installed lossdsl does as it "
        "does, in the file as it stands; what other files or the program add is not there.",
        bad="loss: mse(out, tgt) + ${nowhere}*l2sqr(params)",
        good="decay: 1e-3\nloss: mse(out, tgt) + 1e-3*l2sqr(params)",
        form="yaml",
    ),
    Code(
        "LD710",
        title="input whose arrays are not known",
        why="A loss that is written out as a file reads each leaf of its inputs and each axis of "
        "its arrays: all are declared, or given as arrays or their shapes. Sizes may stay open, "
        "but for those on which depends what is computed.",
        bad='lossdsl.emit("mse(out, tgt)")',
        good='lossdsl.emit("mse(out, tgt)", {"out": "f32[B, 3]", "tgt": "f32[B, 3]"})',
        form="python",
    ),
    Code(
        "LD711",
        title="not a term",
        why="Under `terms` each key is the name of a term, and its text is one expression: without "
        "a label, without statements. They are added to the one loss of `text`, in which the "
        "bindings and metrics stand that they read.",
        bad="loss:\n  text: fit = mse(out, tgt)\n  terms: {fit: fit as fit}",
        good="loss:\n  text: fit = mse(out, tgt)\n  terms: {fit: fit}",
        form="yaml",
    ),
    Code(
        "LD999",
        title="defect of lossdsl",
        why="Please report the text that leads here: it should give a result or another code.",
    ),
)
