"""YAML and JSON documents read for people: every value knows its line, every problem is collected.

Promises: only plain mappings, lists and scalars; nothing is constructed from tags; anchors, aliases, duplicate keys,
documents over 1 MiB and nesting over 16 levels are refused before any tree is walked. The caller decides what keys
mean; this module knows no profile.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_BYTES = 1 << 20
MAX_DEPTH = 16

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def plain_yaml(text: str) -> Any:
    """Returns the plain values of a YAML text, by the parser in C where there is one (ten times faster).

    Raises yaml.YAMLError.
    """
    return yaml.load(text, _LOADER)  # noqa: S506  # a safe loader either way


class DocumentError(Exception):
    """The text is no usable YAML or JSON. `line` counts from 1; 0 when no line is to blame."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass
class Problems:
    """Findings with their lines, in the order found."""

    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, node: yaml.Node | int, message: str) -> None:
        """Adds one finding at a node or at a line number."""
        self.found.append((node if isinstance(node, int) else line_of(node), message))


def line_of(node: yaml.Node) -> int:
    """Returns the node's line, from 1."""
    return int(node.start_mark.line) + 1


def compose(text: str) -> yaml.Node:
    """Returns the root node of a YAML or JSON text. Raises DocumentError with the line that is to blame."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise DocumentError(0, "the document is larger than 1 MiB")
    if text.lstrip().startswith("{"):  # JSON: a tab can only be white space there, and YAML refuses it
        text = text.replace("\t", " ")
    try:
        _refuse_exotic(text)
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError(mark.line + 1 if mark else 0, error.problem or "it is not valid YAML") from error
    except yaml.YAMLError as error:
        raise DocumentError(0, f"it is not valid YAML ({str(error).splitlines()[0]})") from error
    if root is None:
        raise DocumentError(0, "the document is empty")
    return root


def _refuse_exotic(text: str) -> None:
    """Walks the event stream, which is flat, so that neither depth nor references can hurt the tree walk."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_LOADER):
        line = (event.start_mark.line if event.start_mark else 0) + 1
        if isinstance(event, yaml.AliasEvent):
            raise DocumentError(line, "YAML aliases (*name) are not accepted; write the value out")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise DocumentError(line, "a second document starts here; one file holds one machine")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise DocumentError(line, f"values are nested deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def closest(word: str, known: Iterable[str], synonyms: Mapping[str, str] | None = None) -> str | None:
    """Returns the known word that was probably meant, or None."""
    folded = word.strip().casefold().replace("-", "_").replace(" ", "_")
    if synonyms and folded in synonyms:
        return synonyms[folded]
    matches = difflib.get_close_matches(folded, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


class Fields:
    """The keys of one mapping node, read one by one; wrong types become problems and read as absent."""

    def __init__(
        self,
        node: yaml.MappingNode,
        known: Iterable[str],
        problems: Problems,
        where: str,
        synonyms: Mapping[str, str] | None = None,
    ) -> None:
        """`known` are the allowed keys; `where` names the mapping in messages; `synonyms` feed the did-you-mean."""
        self.node = node
        self.where = where
        self._problems = problems
        self._values: dict[str, yaml.Node] = {}
        known = tuple(known)
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key in self._values:
                problems.add(key_node, f"{where} has the key {key!r} twice")
            elif key in known:
                self._values[str(key)] = value_node
            elif key is None:
                problems.add(key_node, f"{where} has a key that is not a word")
            else:
                meant = closest(key, known, synonyms)
                hint = f"; did you mean {meant!r}?" if meant else f"; known keys are {', '.join(known)}"
                problems.add(key_node, f"{where} has the unknown key {key!r}{hint}")

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def at(self, key: str) -> yaml.Node:
        """Returns the node to blame for a key: its value, or the mapping when the key is absent."""
        return self._values.get(key, self.node)

    def text(self, key: str, limit: int = 200) -> str:
        """Returns the scalar's text as written ("on" stays "on"), "" when absent or null."""
        node = self._values.get(key)
        if node is None or _is_null(node):
            return ""
        if not isinstance(node, yaml.ScalarNode):
            self._problems.add(node, f"{self.where}: {key} must be text")
            return ""
        value = str(node.value).strip()
        if len(value) > limit or any(ord(c) < 32 or ord(c) == 127 for c in value):
            self._problems.add(node, f"{self.where}: {key} must be one line of at most {limit} characters")
            return ""
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Returns a list of scalars as written; a single scalar counts as a list of one."""
        node = self._values.get(key)
        if node is None or _is_null(node):
            return ()
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(item, yaml.ScalarNode) for item in items):
            self._problems.add(node, f"{self.where}: {key} must be a list of words")
            return ()
        return tuple(dict.fromkeys(str(item.value).strip() for item in items if str(item.value).strip()))

    def number(self, key: str) -> float | None:
        """Returns a finite number, None when absent or null."""
        node = self._values.get(key)
        if node is None or _is_null(node):
            return None
        written = str(node.value).replace("_", "") if isinstance(node, yaml.ScalarNode) else ""
        try:
            value = float(written)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            shown = repr(node.value) if isinstance(node, yaml.ScalarNode) else "a list or mapping"
            self._problems.add(node, f"{self.where}: {key} must be a number, not {shown}")
            return None
        return value

    def flag(self, key: str) -> bool:
        """Returns a boolean, False when absent or null."""
        node = self._values.get(key)
        if node is None or _is_null(node):
            return False
        word = str(node.value).casefold() if isinstance(node, yaml.ScalarNode) else ""
        if word not in {"true", "false", "yes", "no"}:
            self._problems.add(node, f"{self.where}: {key} must be true or false")
        return word in {"true", "yes"}

    def mapping(self, key: str) -> yaml.MappingNode | None:
        """Returns a nested mapping, None when absent or null."""
        node = self._values.get(key)
        if node is None or _is_null(node):
            return None
        if not isinstance(node, yaml.MappingNode):
            self._problems.add(node, f"{self.where}: {key} must be a mapping")
            return None
        return node


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
