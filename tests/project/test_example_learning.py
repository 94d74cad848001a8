"""The example of the learning rules: what each reaches, and what its README says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from test_examples import EXAMPLES, run, run_each, table

import lossdsl

RULES = EXAMPLES / "learning_rules"

# The least accuracy of any seed; one-sided nudging of a Hopfield network reaches nothing.
LEAST = {
    "backprop": 0.96,
    "predictive, strict": 0.96,
    "predictive, fixed": 0.96,
    "bidirectional": 0.94,
    "equilibrium": 0.96,
    "Hopfield, centered": 0.93,
}


def numbers(cell: str) -> list[float]:
    return [float(one) for one in re.findall(r"-?\d+\.\d+", cell)]


def test_the_written_table_shows_what_each_rule_reaches() -> None:
    _, _, *rows = table((RULES / "README.md").read_text())
    found = {row[0]: row for row in rows if len(row) == 8}
    assert found.keys() == YAML(typ="safe").load(RULES / "train.yaml")["rules"].keys()
    for name, least in LEAST.items():
        _, low, _ = numbers(found[name][1])
        assert low >= least, name
    assert numbers(found["predictive, fixed"][3]) == [1, 1, 1]
    assert numbers(found["predictive, fixed"][5]) == [1, 1, 1]
    assert max(numbers(found["predictive, strict"][5])) < 0.6
    assert all(float(row[7]) < 60 for row in found.values())
    median = {name: numbers(row[1])[0] for name, row in found.items()}
    assert median["Hopfield, one-sided"] < 0.5 < median["Hopfield, random"]
    assert median["Hopfield, random"] < median["Hopfield, centered"]


# A smaller network that learns faster, and no rule that is not to be relied on.
SHORT = {"[128, 64]": "[64, 32]", "rate: 5e-3": "rate: 1e-2"}


@pytest.mark.long
def test_a_short_training_by_every_rule_that_is_to_be_relied_on(tmp_path: Path) -> None:
    config, text = tmp_path / "train.yaml", (RULES / "train.yaml").read_text()
    for usual, short in SHORT.items():
        assert usual in text
        text = text.replace(usual, short)
    config.write_text("\n".join(line for line in text.splitlines() if "phases: two" not in line))
    words = ("--config", config, "--seeds", 1, "--epochs", 2, "--out", tmp_path)
    done = run(RULES, *words, short=True)
    assert done.returncode == 0, done.stderr
    printed = table(done.stdout)
    written = table((RULES / "README.md").read_text())
    assert [row[0] for row in printed] == [row[0] for row in written][: len(printed)]
    accuracy = {row[0]: numbers(row[1])[0] for row in printed[2:]}
    assert min(accuracy[name] for name in list(LEAST)[:5]) > 0.9
    assert accuracy["Hopfield, centered"] > 0.8
    assert (tmp_path / "rules.png").stat().st_size > 10_000


WRONG = (
    ("mode: strict", "mode: strikt", '`mode` is "strikt"'),
    ("steps: 60", "steps: many", '`steps` is "many"'),
    ("eta: 1", "etta: 1", "PredictiveCoding: "),
    ("rule: BackProp", "rule: Backprop", "no rule `Backprop`; there are BackProp, "),
    ("energy: hopfield", "energy: hop", "no energy `hop`; there are gaussian, hopfield"),
)


def test_a_wrong_setting_is_reported(tmp_path: Path) -> None:
    text, configs = (RULES / "train.yaml").read_text(), list[Path]()
    for number, (right, wrong, _) in enumerate(WRONG):
        configs.append(tmp_path / f"{number}.yaml")
        configs[-1].write_text(text.replace(right, wrong, 1))
    done = run_each(RULES, [("--config", config, "--out", tmp_path) for config in configs])
    for (code, output), (_, _, message) in zip(done, WRONG, strict=True):
        assert code == 1, output
        assert message in output


def test_the_readme_shows_what_runs() -> None:
    readme = (RULES / "README.md").read_text()
    assert lossdsl.load(RULES / "train.yaml").text.strip() in readme
    (picture,) = re.findall(r"\]\((pictures/\w+\.png)\)", readme)
    assert (RULES / picture).exists()
