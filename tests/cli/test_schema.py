"""`lossdsl schema` says of configs what the reader says of them; SARIF is what its schema says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from folders import run_in, write

import lossdsl
from lossdsl.cli.config_schema import config_schema
from lossdsl.inputs.mapping_form import KEYS, shape_problem
from lossdsl.spec.written import inputs_problem


def fits(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Say whether a value is as a schema says, as far as the schemas here go."""
    unknown = schema.keys() - {
        "$defs", "$ref", "$schema", "additionalProperties", "anyOf", "description", "items",
        "minProperties", "not", "patternProperties", "properties", "required", "title", "type",
    }  # fmt: skip
    assert not unknown
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    kinds = {"object": dict, "string": str, "number": (int, float), "boolean": bool}
    types = schema.get("type", [])
    allowed = tuple(kinds[name] for name in ([types] if isinstance(types, str) else types))
    if isinstance(value, bool):
        return not allowed or bool in allowed
    if allowed and not isinstance(value, allowed):  # type: ignore[arg-type]
        return False
    if "anyOf" in schema and not any(fits(value, each, root) for each in schema["anyOf"]):
        return False
    if "not" in schema and fits(value, schema["not"], root):
        return False
    if isinstance(value, list):
        return all(fits(item, schema.get("items", {}), root) for item in value)
    if not isinstance(value, dict):
        return True
    if len(value) < schema.get("minProperties", 0):
        return False
    if not set(schema.get("required", [])) <= value.keys():
        return False
    more = schema.get("additionalProperties", {})
    for name, item in value.items():
        parts = [schema["properties"][name]] if name in schema.get("properties", {}) else []
        patterns = schema.get("patternProperties", {})
        parts += [patterns[each] for each in patterns if re.search(each, name)]
        if not parts and more is False:
            return False
        if not all(fits(item, part, root) for part in parts or [more or {}]):
            return False
    return True


SPECS: list[Any] = [
    "mean(x)",
    {"text": "mean(x)"},
    {"loss": "mean(x)"},
    {"text": "mean(x)", "inputs": {}},
    {"text": "mean(x)", "inputs": {"x": "f32[B]", "w": 1, "k": 1e-3, "on": True}},
    {"text": "mean(x)", "loss": "mean(x)"},
    {"inputs": {"x": "f32[B]"}},
    {},
    {"txt": "mean(x)"},
    {"text": "mean(x)", "imputs": {}},
    {"text": 3},
    {"text": None},
    {"text": ["mean(x)"]},
    {"text": "mean(x)", "inputs": ["x"]},
    {"text": "mean(x)", "inputs": None},
    {"text": "mean(x)", "inputs": {"x": ["f32"]}},
    {"text": "mean(x)", "inputs": {"x": {}}},
    {"text": "mean(x)", "inputs": {"x": None}},
    {"terms": {"fit": "mean(x)"}},
    {"text": "mean(x)", "terms": {}, "weights": {}},
    {"text": "mean(x)", "terms": {"a": {"text": "max(x)", "weight": 0.1, "on": False}}},
    {"text": "mean(x) as a", "weights": {"a": 2}},
    {"terms": {"a": {"text": "mean(x)", "weight": "linear_schedule(step, 0, 1e-2, 10)"}}},
    {"terms": {}},
    {"weights": {"a": 2}},
    {"terms": ["mean(x)"]},
    {"terms": {"a": 3}},
    {"terms": {"a": None}},
    {"terms": {"a": {"weight": 2}}},
    {"terms": {"a": {"text": "mean(x)", "weigth": 2}}},
    {"terms": {"a": {"text": "mean(x)", "weight": True}}},
    {"terms": {"a": {"text": "mean(x)", "weight": None}}},
    {"terms": {"a": {"text": "mean(x)", "on": "no"}}},
    {"terms": {"a": {"text": 3}}},
    {"text": "mean(x) as a", "weights": {"a": True}},
    {"text": "mean(x) as a", "weights": [1]},
    3,
    None,
    ["mean(x)"],
]


def is_right(value: Any) -> bool:
    """Say whether the reader takes a value for a spec."""
    return isinstance(value, str) or (
        isinstance(value, dict) and not (shape_problem(value) or inputs_problem(value))
    )


@pytest.mark.parametrize("value", SPECS, ids=json.dumps)
def test_the_schema_takes_what_the_reader_takes(value: Any, tmp_path: Path) -> None:
    schema = lossdsl.LossSpec.model_json_schema()
    right = is_right(value)
    assert fits(value, schema, schema) == right
    whole = config_schema(["a.*.loss"])
    assert fits({"a": {"b": {"loss": value}, "c": {"rate": 1}}, "d": 3}, whole, whole) == right
    assert fits({"a": [{"loss": value}]}, whole, whole) == right
    write(tmp_path, {"a.json": json.dumps({"loss": value})})
    found = json.loads(run_in(tmp_path, "check", "a.json", "--output-format", "json").stdout)
    assert all(each["severity"] == "warning" for each in found) == right


def test_the_schema_names_every_key_of_a_spec() -> None:
    _, form = lossdsl.LossSpec.model_json_schema()["anyOf"]
    assert set(form["properties"]) == set(KEYS)
    assert all(part["description"] for part in form["properties"].values())


def test_the_command_prints_it(tmp_path: Path) -> None:
    printed = json.loads(run_in(tmp_path, "schema").stdout)
    assert printed.pop("$schema").startswith("https://json-schema.org/")
    assert printed == lossdsl.LossSpec.model_json_schema()
    whole = json.loads(run_in(tmp_path, "schema", "--key", ".").stdout)
    assert whole["$ref"] == "#/$defs/loss"
    printed = json.loads(run_in(tmp_path, "schema", "--key", "loss", "--key", "more.l*").stdout)
    assert printed["properties"]["loss"] == {"$ref": "#/$defs/loss"}
    assert printed["properties"]["more"] == {
        "patternProperties": {"^l.*$": {"$ref": "#/$defs/loss"}}
    }


def test_a_dump_has_a_schema_too() -> None:
    assert lossdsl.LossSpec.model_json_schema(mode="serialization")["anyOf"]


def test_an_editor_s_validator_takes_it(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(run_in(tmp_path, "schema", "--key", "losses.*").stdout)
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    for value in SPECS:
        right = is_right(value)
        assert validator(schema).is_valid({"losses": {"a": value}}) == right


def test_sarif_is_what_its_schema_says(tmp_path: Path) -> None:
    model = pytest.importorskip("pydantic_sarif.model")
    log = model.StaticAnalysisResultsFormatSarifVersion210JsonSchema
    write(tmp_path, {"a b/é.yaml": "loss: l2sqrt(p) + 0*mean(x)\n", "c.loss": "log(softmax(x))"})
    (tmp_path / "empty").mkdir()
    words = ["check", ".", "empty", "nowhere.yaml", "-e", "mse(a", "--output-format", "sarif"]
    printed = run_in(tmp_path, *words).stdout
    assert log.model_validate_json(printed)
    assert len(json.loads(printed)["runs"][0]["results"]) >= 6
    assert log.model_validate_json(
        run_in(tmp_path, *words[:1], "-e", "mean(a)", *words[-2:]).stdout
    )
