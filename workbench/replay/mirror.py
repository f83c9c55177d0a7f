"""A recorded page as a tree that follows the recording: a full snapshot, then every mutation.

It follows rrweb's own replayer (`Replayer.applyMutation`, rrweb 2.1.6): removes, adds, then texts, then attributes.
Where the replayer gives up (a node that a lost segment brought) this one keeps what it has and counts the loss.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from workbench.replay.rrweb import DOCUMENT, ELEMENT, TEXT, Add, Attributes, Input, Mutation, Node

STYLE_PROPERTY = re.compile(r"\s*([\w-]+)\s*:\s*((?:[^;\"'(]|\"[^\"]*\"|'[^']*'|\([^)]*\))*)")


class Mirror:
    """The page as it is now.

    Attributes
    ----------
    root
        The document; None before the first full snapshot.
    nodes
        Every node of the page by rrweb's id.
    lost
        How many changes named a node that the recording never brought.
    newest_id
        The largest id that this page has used. rrweb numbers nodes upwards within one page load, so a snapshot whose
        document has a smaller id belongs to another load.
    """

    def __init__(self) -> None:
        self.root: Node | None = None
        self.nodes: dict[int, Node] = {}
        self.lost = 0
        self.newest_id = 0

    def load(self, document: Node) -> None:
        """Replace the page by a full snapshot."""
        self.nodes = {}
        self.root = document
        document.parent = None
        self._enter(document)

    def is_other_load(self, document: Node) -> bool:
        """Say whether a full snapshot starts another page load, and is not a checkpoint of this one."""
        return self.root is None or document.id <= self.newest_id

    def apply(self, mutation: Mutation) -> None:
        """Apply one mutation event as a whole."""
        for removed in mutation.removes:
            self._remove(removed.id)
        if mutation.adds:
            self._add_all(mutation.adds)
        for text in mutation.texts:
            node = self.nodes.get(text.id)
            if node is None:
                self.lost += 1
            else:
                node.text_content = text.value or ""
        for change in mutation.attributes:
            self._change(change)

    def write(self, entered: Input) -> None:
        """Put what a user entered into its field."""
        node = self.nodes.get(entered.id)
        if node is None:
            self.lost += 1
        elif node.attributes.get("type") in ("checkbox", "radio"):
            node.attributes["checked"] = entered.is_checked
        else:
            node.attributes["value"] = entered.text

    def _enter(self, node: Node) -> None:
        stack = [node]
        while stack:
            current = stack.pop()
            self.nodes[current.id] = current
            self.newest_id = max(self.newest_id, current.id)
            for child in current.child_nodes:
                child.parent = current
                stack.append(child)

    def _remove(self, node_id: int) -> None:
        node = self.nodes.get(node_id)
        if node is None:
            self.lost += 1
            return
        if node.parent is not None:
            node.parent.child_nodes.remove(node)
            node.parent = None
        for inner in descendants(node):
            self.nodes.pop(inner.id, None)

    def _add_all(self, adds: list[Add]) -> None:
        waiting = adds
        while waiting:
            later = [add for add in waiting if not self._add(add, strict=True)]
            if len(later) == len(waiting):
                # no order brings the rest in: their sibling was lost with a segment, so they become last children
                later = [add for add in waiting if not self._add(add, strict=False)]
                self.lost += len(waiting) - len(later)
                if len(later) == len(waiting):
                    self.lost += len(later)
                    return
            waiting = later

    def _add(self, add: Add, *, strict: bool) -> bool:
        parent = self.nodes.get(add.parent_id)
        if parent is None:
            return False
        following = None if add.next_id is None else self.nodes.get(add.next_id)
        if following is not None and following.parent is not parent:
            following = None
        elif following is None and add.next_id not in (None, -1) and strict:
            return False
        node = add.node
        if node.id in self.nodes:
            self._remove(node.id)
        if node.type == DOCUMENT or (parent.tag_name == "textarea" and node.type == TEXT):
            for old in list(parent.child_nodes):
                self._remove(old.id)
        elif parent.type == DOCUMENT and node.type == ELEMENT:
            for old in [child for child in parent.child_nodes if child.type == ELEMENT]:
                self._remove(old.id)
        node.parent = parent
        position = len(parent.child_nodes) if following is None else parent.child_nodes.index(following)
        parent.child_nodes.insert(position, node)
        self._enter(node)
        return True

    def _change(self, change: Attributes) -> None:
        node = self.nodes.get(change.id)
        if node is None:
            self.lost += 1
            return
        for name, value in change.attributes.items():
            if value is None:
                node.attributes.pop(name, None)
            elif name == "style" and isinstance(value, dict):
                node.attributes["style"] = restyled(str(node.attributes.get("style") or ""), value)
            else:
                node.attributes[name] = value


def descendants(node: Node) -> Iterator[Node]:
    """Give a node and everything below it, in document order."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.child_nodes))


def restyled(style: str, difference: dict[str, Any]) -> str:
    """Apply rrweb's style difference to an inline style.

    Examples
    --------
    >>> restyled("color: red; display: none", {"display": False, "width": ["4px", "important"]})
    'color: red; width: 4px !important;'
    """
    properties = {name.lower(): value.strip() for name, value in STYLE_PROPERTY.findall(style)}
    for name, value in difference.items():
        if value is False or value is None:
            properties.pop(name, None)
        elif isinstance(value, list):
            properties[name] = f"{value[0]} !{value[1]}" if len(value) > 1 and value[1] else str(value[0])
        else:
            properties[name] = str(value)
    return " ".join(f"{name}: {value};" for name, value in properties.items())
