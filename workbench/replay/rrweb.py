"""The shapes of rrweb's events, as far as a page can be rebuilt from them.

Names are rrweb's (https://github.com/rrweb-io/rrweb, `@rrweb/types` 2.1.6). Decoding is strict about types and lenient
about what it does not know: an unknown key is ignored, an event that does not decode is counted by its reader.
"""

from __future__ import annotations

from typing import Any

import msgspec

FULL_SNAPSHOT, INCREMENTAL, META = 2, 3, 4
MUTATION, MOUSE_INTERACTION, SCROLL, RESIZE, INPUT = 0, 2, 3, 4, 5
STYLE_SHEET_RULE, STYLE_DECLARATION, ADOPTED_STYLE_SHEET = 8, 13, 15
CLICK, DOUBLE_CLICK = 2, 4
DOCUMENT, DOCTYPE, ELEMENT, TEXT, CDATA, COMMENT = range(6)


class Node(msgspec.Struct, eq=False, rename="camel", omit_defaults=True):
    """A node of a recorded page: decoded straight from the wire and used as the tree itself.

    `parent` is ours: whatever the wire says is overwritten as soon as the node enters a page.
    """

    type: int
    id: int
    tag_name: str = ""
    attributes: dict[str, Any] = {}
    child_nodes: list[Node] = []
    text_content: str | None = None
    root_id: int | None = None
    is_style: bool = False
    is_shadow_host: bool = False
    is_shadow: bool = False
    is_custom: bool = False
    is_svg: bool = msgspec.field(default=False, name="isSVG")
    name: str = ""
    public_id: str = ""
    system_id: str = ""
    compat_mode: str = ""
    parent: Node | None = None


class Snapshot(msgspec.Struct):
    """The whole document at one moment."""

    node: Node


class Add(msgspec.Struct, rename="camel"):
    """A node that entered the page, before its sibling `next_id` (null: as the last child)."""

    parent_id: int
    node: Node
    next_id: int | None = None
    previous_id: int | None = None


class Remove(msgspec.Struct, rename="camel"):
    """A node that left the page."""

    id: int
    parent_id: int = 0


class Text(msgspec.Struct):
    """The new content of a text node."""

    id: int
    value: str | None = None


class Attributes(msgspec.Struct):
    """New values of attributes; null removes one; `style` may be a difference by property."""

    id: int
    attributes: dict[str, Any] = {}


class Mutation(msgspec.Struct):
    """What changed in the page in one go: a user never saw the states in between."""

    adds: list[Add] = []
    removes: list[Remove] = []
    texts: list[Text] = []
    attributes: list[Attributes] = []


class Input(msgspec.Struct, rename="camel"):
    """What a field holds now (asterisks when the recorder masks it)."""

    id: int
    text: str = ""
    is_checked: bool = False


class Meta(msgspec.Struct):
    """The address and the size of the page, sent before each full snapshot."""

    href: str = ""
    width: int = 0
    height: int = 0


class Pointer(msgspec.Struct):
    """One mouse or touch interaction; `type` 2 is a click."""

    type: int
    id: int
    x: float | None = None
    y: float | None = None


SNAPSHOT_DATA = msgspec.json.Decoder(Snapshot)
MUTATION_DATA = msgspec.json.Decoder(Mutation)
INPUT_DATA = msgspec.json.Decoder(Input, strict=False)
META_DATA = msgspec.json.Decoder(Meta, strict=False)
POINTER_DATA = msgspec.json.Decoder(Pointer, strict=False)
