"""A recorded page as markup: for reading, searching and comparing. It is not safe to insert anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from workbench.replay.rrweb import CDATA, COMMENT, DOCTYPE, DOCUMENT, ELEMENT, TEXT, Node

VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
LITERAL = frozenset({"script", "style"})


def to_html(root: Node) -> str:
    """Write a page as markup; a document inside an iframe becomes its `srcdoc`.

    Examples
    --------
    >>> to_html(Node(type=ELEMENT, id=1, tag_name="p", child_nodes=[Node(type=TEXT, id=2, text_content="2 < 3")]))
    '<p>2 &lt; 3</p>'
    """
    return "".join(_pieces(root))


def _pieces(root: Node) -> Iterator[str]:
    stack: list[Node | str] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            yield node
        elif node.type == ELEMENT:
            framed = [child for child in node.child_nodes if child.type == DOCUMENT]
            yield _opening(node, framed[0] if framed else None)
            if node.tag_name not in VOID:
                stack.append(f"</{node.tag_name}>")
                stack.extend(reversed([child for child in node.child_nodes if child.type != DOCUMENT]))
        elif node.type == DOCUMENT:
            stack.extend(reversed(node.child_nodes))
        elif node.type == DOCTYPE:
            yield f"<!doctype {node.name or 'html'}>"
        elif node.type in (TEXT, CDATA):
            literal = node.parent is not None and node.parent.tag_name in LITERAL
            yield (node.text_content or "") if literal else escape(node.text_content or "", quote=False)
        elif node.type == COMMENT:
            yield f"<!--{(node.text_content or '').replace('--', '- -')}-->"


def _opening(node: Node, framed: Node | None) -> str:
    parts = [node.tag_name]
    for name, value in node.attributes.items():
        if value is True:
            parts.append(name)
        elif value is not None and value is not False:
            parts.append(f'{name}="{escape(str(value))}"')
    if framed is not None:
        parts.append(f'srcdoc="{escape(to_html(framed))}"')
    return f"<{' '.join(parts)}>"
