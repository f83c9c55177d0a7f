"""What of a page's tree a user can read.

Visible text is the text nodes of the page, without those under elements that browsers never draw as text, and without
those that the page itself hides: the `hidden` attribute, `display: none` or `visibility: hidden` as an inline style.
Style sheets are not evaluated, and the values of fields are not text of the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from workbench.replay.rrweb import CDATA, COMMENT, DOCUMENT, ELEMENT, TEXT, Node

NEVER_DRAWN = frozenset(
    (
        *("script", "style", "noscript", "template", "head", "title", "meta", "link", "base", "datalist"),
        *("textarea", "object", "audio", "video", "canvas", "iframe", "source", "track"),
    )
)
INLINE = frozenset(
    (
        *("a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins"),
        *("kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time"),
        *("tt", "u", "var", "wbr"),
    )
)
HIDES = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))\s*(?:!|;|$)", re.IGNORECASE)
UNHIDES = re.compile(r"(?:^|;)\s*visibility\s*:\s*visible\s*(?:!|;|$)", re.IGNORECASE)
NOT_DISPLAYED = re.compile(r"(?:^|;)\s*display\s*:\s*none\s*(?:!|;|$)", re.IGNORECASE)


def visible_text(node: Node, *, frames: bool = True) -> str:
    """Give the readable text below a node: one line a block, runs of white space as one space.

    Parameters
    ----------
    node
        A document or an element.
    frames
        Whether documents inside iframes count.
    """
    lines = "".join(_pieces(node, frames)).split("\n")
    return "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)


def first_text(node: Node, *, frames: bool = False) -> Node | None:
    """Give the first text node below `node` that a user can read, None when there is none."""
    for current, seen, _ends in _walk(node, frames):
        if seen and current.type in (TEXT, CDATA) and current.text_content and not current.text_content.isspace():
            return current
    return None


def is_readable(node: Node, root: Node, *, frames: bool = False) -> bool:
    """Say whether a text node still stands in the page below `root` and can still be read."""
    if not node.text_content or node.text_content.isspace():
        return False
    visibility_known = False
    current = node.parent
    while current is not None:
        if current is root:
            return True
        if current.type == DOCUMENT and not frames:
            return False
        if current.type == ELEMENT:
            if current.tag_name in NEVER_DRAWN and not (frames and current.tag_name == "iframe"):
                return False
            style = current.attributes.get("style")
            if "hidden" in current.attributes or (style and NOT_DISPLAYED.search(str(style))):
                return False
            if style and not visibility_known:
                visibility_known = bool(UNHIDES.search(str(style)))
                if not visibility_known and HIDES.search(str(style)):
                    return False
        current = current.parent
    return False


def _walk(node: Node, frames: bool) -> Iterator[tuple[Node, bool, bool]]:
    """Give the displayed nodes as (node, whether it is visible, whether it ends here), in document order."""
    stack = [(node, True, False)]
    while stack:
        current, seen, ends = stack.pop()
        if ends:
            yield current, seen, True
            continue
        if current.type == ELEMENT:
            tag = current.tag_name
            if tag in NEVER_DRAWN and not (frames and tag == "iframe"):
                continue
            attributes = current.attributes
            if "hidden" in attributes:
                continue
            style = attributes.get("style")
            if style:
                if NOT_DISPLAYED.search(str(style)):
                    continue
                seen = bool(UNHIDES.search(str(style))) or (seen and not HIDES.search(str(style)))
        elif current.type == DOCUMENT and current is not node and not frames:
            continue
        yield current, seen, False
        if current.child_nodes:
            stack.append((current, seen, True))
            stack.extend((child, seen, False) for child in reversed(current.child_nodes))


def _pieces(node: Node, frames: bool) -> Iterator[str]:
    """Give the texts, and a line end where a block starts or ends."""
    for current, seen, _ends in _walk(node, frames):
        if current.type in (TEXT, CDATA):
            if seen:
                yield (current.text_content or "").replace("\n", " ")
        elif current.type != COMMENT and current.tag_name not in INLINE:
            yield "\n"
