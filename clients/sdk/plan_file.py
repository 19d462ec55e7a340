"""Reads a plan from YAML (or JSON, which YAML contains), strictly: an unknown key, a wrong type or a wrong word is an
error that names the file, the line and what would be right. Nothing is constructed but plain values."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import types
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from clients.sdk.errors import SensorForgeClientError
from clients.sdk.plan import Plan, with_paths

_MOST_BYTES = 1 << 20
_TYPE_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}

Value = TypeVar("Value")


def read_plan(path: Path) -> Plan:
    """Returns the plan of a YAML file; its relative paths are taken from the file's directory and come out absolute.

    Raises SensorForgeClientError PLAN_INVALID.
    """
    try:
        data = path.read_bytes()
    except OSError as failed:
        raise _invalid(str(path), None, f"it cannot be read: {failed.strerror or failed}") from None
    if len(data) > _MOST_BYTES:
        raise _invalid(str(path), None, f"it has {len(data):,} bytes; a plan has at most {_MOST_BYTES:,}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as failed:
        raise _invalid(str(path), None, f"byte {failed.start} is not UTF-8") from None
    plan = parse_plan(text, str(path))
    return with_paths(plan, lambda name: str((path.parent / name).absolute()))


def parse_plan(text: str, name: str = "plan") -> Plan:
    """Returns the plan of a YAML document. Raises SensorForgeClientError PLAN_INVALID."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as failed:
        line = failed.problem_mark.line + 1 if failed.problem_mark else None
        raise _invalid(name, line, f"it is not YAML: {failed.problem or failed}") from None
    except (yaml.YAMLError, RecursionError) as failed:
        raise _invalid(name, None, f"it is not YAML: {failed}") from None
    if node is None:
        return Plan()
    return _Reader(name).record(node, Plan, "plan")


def plan_from_json(values: dict[str, Any]) -> Plan:
    """Returns the plan that `Plan.to_json` wrote."""
    return parse_plan(yaml.safe_dump(values, allow_unicode=True), "the run's journal")


def plan_to_yaml(plan: Plan) -> str:
    """Returns a plan as YAML, without what is at its default."""
    return yaml.safe_dump(plan.to_json(), allow_unicode=True, sort_keys=False)


class _Reader:
    """Turns YAML nodes into dataclasses by their type hints."""

    def __init__(self, file: str) -> None:
        self._file = file

    def record(self, node: yaml.Node, kind: type[Value], where: str) -> Value:
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, f"{where} must be a list of `key: value` lines")
        hints = _hints(kind)  # type: ignore[arg-type]  # classes are hashable
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else ""
            if key not in hints:
                close = difflib.get_close_matches(key, hints, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(hints)}"
                raise self._error(key_node, f"{key!r} is not a setting of {where}{hint}")
            if key in values:
                raise self._error(key_node, f"{key!r} is given twice")
            values[key] = self.value(value_node, hints[key], key)
        fields = dataclasses.fields(kind)  # type: ignore[arg-type]  # only dataclasses are asked for
        for item in fields:
            if item.default is dataclasses.MISSING and item.name not in values:
                raise self._error(node, f"{where} needs {item.name!r}")
        return kind(**values)

    def value(self, node: yaml.Node, hint: Any, where: str) -> Any:
        if dataclasses.is_dataclass(hint):
            return self.record(node, hint, where)  # type: ignore[arg-type]
        origin = get_origin(hint)
        if origin is tuple:
            if not isinstance(node, yaml.SequenceNode):
                raise self._error(node, f"{where} must be a list")
            return tuple(self.value(item, get_args(hint)[0], where) for item in node.value)
        if origin in (Union, types.UnionType):
            if node.tag == "tag:yaml.org,2002:null":
                return None
            return self.value(node, next(part for part in get_args(hint) if part is not type(None)), where)
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(node, f"{where} must be a single value")
        if origin is Literal:
            words = get_args(hint)
            if node.value not in words:
                raise self._error(node, f"{where} is {node.value!r}; it can be {', '.join(w for w in words if w)}")
            return node.value
        return self._scalar(node, hint, where)

    def _scalar(self, node: yaml.ScalarNode, kind: type, where: str) -> Any:
        tag = node.tag.removeprefix("tag:yaml.org,2002:")
        if kind is str:
            if tag == "null":
                return ""
            return node.value
        if kind is bool and tag == "bool":
            return node.value.lower() in ("true", "yes", "on")
        try:
            if kind is int and tag == "int":
                return int(node.value.replace("_", ""), 10)
            if kind is float and tag in ("int", "float", "str"):  # YAML 1.1 reads 1e-4 as text
                return float(node.value.replace("_", ""))
        except ValueError:
            pass
        raise self._error(node, f"{where} is {node.value!r}; it must be {_TYPE_WORDS[kind]}")

    def _error(self, node: yaml.Node, what: str) -> SensorForgeClientError:
        return _invalid(self._file, node.start_mark.line + 1, what)


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _invalid(file: str, line: int | None, what: str) -> SensorForgeClientError:
    where = f", line {line}" if line is not None else ""
    metadata = {"file": file} | ({"line": str(line)} if line is not None else {})
    return SensorForgeClientError(
        "PLAN_INVALID",
        f"The plan {file}{where}: {what}.",
        kind="USAGE",
        remedy=f"{'Check the path' if line is None else 'Correct the line'}; "
        "`sensorforge plan init RUN` writes a complete example.",
        metadata=metadata,
    )
