"""CPU time of new processes that check a spec, against that of `python -c "import jax"`.

    python benchmarks/start.py [ROUNDS]

The variants are interleaved. What is counted is user and system time of the child, so that a busy
machine adds little; a line gives minimum and median over rounds, and their ratio to `import jax`.
Two lines are of one process: 300 YAML files in a command, without the start of another with one;
and a spec of 100 terms that is checked again.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROUNDS = 7
FILES = 300
# An installed package is compiled; a container that keeps Python from it would hide all else.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
SPEC = """\
out: logits f32[B, C]
y: labels int[B]
params: tree
decay: float = 0.001

cross_entropy(out, y, smoothing=0.1) + decay * l2sqr(params["**/kernel"]) as shrink
"""
CALL = f"import lossdsl; assert lossdsl.check({SPEC!r}).ok"
WARM = """
import statistics, time, lossdsl
terms = (
    "mse({k}*out, tgt)", "1e-3*l2sqr({k}*params)", "huber(out, tgt, delta={k})",
    "cross_entropy({k}*out, labels)",
)
text = "out, tgt: float[B, C]\\nlabels: int[B]\\nparams: tree\\n"
text += " + ".join(terms[at % 4].format(k=1 + at / 10) for at in range(100))
times = []
for at in range(12):
    begin = time.process_time()
    assert lossdsl.check(text).ok
    times.append(time.process_time() - begin)
print(min(times[2:]), statistics.median(times[2:]))
"""


def seconds(arguments: Sequence[str]) -> float:
    """Return the CPU time of `python` with arguments, that of its children included."""
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=ENVIRONMENT) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, command
    return usage.ru_utime + usage.ru_stime


def commands(folder: Path) -> dict[str, list[str]]:
    """Return the variants: a name, and the arguments of `python`."""
    text, config = folder / "a.loss", folder / "a.yaml"
    text.write_text(SPEC)
    config.write_text("loss: |\n" + "".join(f"  {line}\n" for line in SPEC.splitlines()))
    (folder / "many").mkdir()
    many = [folder / "many" / f"{at}.yaml" for at in range(FILES)]
    for path in many:
        path.write_text(config.read_text())
    command = ["-m", "lossdsl"]
    return {
        "import jax": ["-c", "import jax"],
        "pass": ["-c", "pass"],
        "import lossdsl; check": ["-c", CALL],
        "lossdsl check -e": [*command, "check", "-e", SPEC],
        "lossdsl check a.loss": [*command, "check", str(text)],
        "lossdsl check a.yaml": [*command, "check", str(config)],
        "lossdsl check 300 files": [*command, "check", *map(str, many)],
        "lossdsl check a folder": [*command, "check", str(many[0].parent)],
        "lossdsl fmt --check": [*command, "fmt", "--check", str(text)],
        "lossdsl explain LD202": [*command, "explain", "LD202"],
        "lossdsl functions": [*command, "functions"],
        "lossdsl functions mse": [*command, "functions", "mse"],
    }


def main(rounds: int) -> None:
    """Print one line a variant, then those of one process."""
    with tempfile.TemporaryDirectory() as folder:
        variants = commands(Path(folder))
        for arguments in variants.values():  # once, for what the file system keeps
            seconds(arguments)
        times: dict[str, list[float]] = {name: [] for name in variants}
        for _ in range(rounds):
            for name, arguments in variants.items():
                times[name].append(seconds(arguments))
    least = {name: min(row) for name, row in times.items()}
    middle = {name: statistics.median(row) for name, row in times.items()}
    print(f"{'':<26}{'minimum':>10}{'median':>10}{'of import jax':>16}")
    for name in variants:
        ratios = ", ".join(f"{row[name] / row['import jax']:.2f}" for row in (least, middle))
        print(f"{name:<26}{least[name] * 1e3:>7.0f} ms{middle[name] * 1e3:>7.0f} ms{ratios:>16}")
    each = [
        (many - one) / (FILES - 1) * 1e3
        for many, one in zip(
            times["lossdsl check 300 files"], times["lossdsl check a.yaml"], strict=True
        )
    ]
    print(f"{'a file more':<26}{min(each):>7.2f} ms{statistics.median(each):>7.2f} ms")
    warm = subprocess.check_output([sys.executable, "-c", WARM], text=True, env=ENVIRONMENT)
    minimum, median = (float(word) * 1e3 for word in warm.split())
    print(f"{'100 terms, checked again':<26}{minimum:>7.1f} ms{median:>7.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
