"""Names for syntax nodes: what a function is called, what a property is read from.

A function without a name of its own is called after the place it is put: a variable, a property, a class member, a
JSX attribute, with the wrappers of `rules/symbolicate/functions-*.toml` seen through (`useCallback`, `memo`, ...).
"""

from __future__ import annotations

from functools import cache

from tree_sitter import Node

from workbench.rules.loader import load

_TRANSPARENT = {
    "parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression", "type_assertion",
    "await_expression",
}  # fmt: skip
_CLASSES = {"class_declaration", "class", "abstract_class_declaration"}
_FIELDS = {"public_field_definition", "field_definition"}
_NAMES = {"identifier", "property_identifier", "private_property_identifier", "this", "super"}
_FURTHEST = 8  # steps up from a function to what it is put into; deeper nesting names nothing sensible


def text(node: Node) -> str:
    """The source text of a node."""
    return (node.text or b"").decode("utf-8", "replace")


def function_name(node: Node) -> str | None:
    """Name of a function, method, static block or initialised field; None for one that is put nowhere."""
    if node.type == "class_static_block":
        return _in_class(node, "<static>")
    if node.type in _FIELDS:
        return _in_class(node, "<field>")
    name = node.child_by_field_name("name")
    if node.type == "method_definition" and name is not None:
        method = text(name).strip("'\"")
        inside = node.parent is not None and node.parent.type == "class_body"
        if inside and method == "constructor":
            owner = _class_name(node)
            return f"new {owner}" if owner else "constructor"
        return _in_class(node, method) if inside else method
    return text(name) if name is not None else _name_of_place(node)


def receiver_name(node: Node | None) -> str | None:
    """Last name of an expression that a property is read from: `discount` of `cart.totals.discount`."""
    while node is not None and node.type in _TRANSPARENT:
        node = node.named_children[0] if node.named_children else None
    if node is None:
        return None
    if node.type in _NAMES:
        return text(node)
    if node.type == "member_expression":
        return receiver_name(node.child_by_field_name("property"))
    if node.type == "call_expression":
        called = receiver_name(node.child_by_field_name("function"))
        return f"{called}()" if called else None
    if node.type == "subscript_expression":
        owner, index = receiver_name(node.child_by_field_name("object")), node.child_by_field_name("index")
        plain = index is not None and index.type in {"number", "string", "identifier"}
        return f"{owner}[{text(index)}]" if owner and plain and index is not None else None
    return None


@cache
def _wrappers() -> frozenset[str]:
    return frozenset(load("symbolicate", "functions").data["wrappers"])


def _in_class(node: Node, member: str) -> str:
    owner = _class_name(node)
    return f"{owner}.{member}" if owner else member


def _class_name(node: Node) -> str | None:
    parent = node.parent
    while parent is not None and parent.type not in _CLASSES:
        parent = parent.parent
    if parent is None:
        return None
    name = parent.child_by_field_name("name")
    if name is not None:
        return text(name)
    outside = parent.parent
    if outside is not None and outside.type == "variable_declarator":
        name = outside.child_by_field_name("name")
        return text(name) if name is not None else None
    return None


def _name_of_place(node: Node) -> str | None:
    for _ in range(_FURTHEST):
        place = node.parent
        if place is None:
            return None
        if place.type in _TRANSPARENT:
            node = place
        elif place.type == "arguments":
            call = place.parent
            called = _dotted(call.child_by_field_name("function")) if call and call.type == "call_expression" else None
            if call is None or called is None or called.rsplit(".", 1)[-1] not in _wrappers():
                return None
            node = call
        else:
            return _name_in(place, node)
    return None


def _name_in(place: Node, node: Node) -> str | None:
    match place.type:
        case "variable_declarator":
            name = place.child_by_field_name("name")
            is_value = place.child_by_field_name("value") == node
            return text(name) if is_value and name is not None and name.type == "identifier" else None
        case "assignment_expression" | "augmented_assignment_expression":
            return _dotted(place.child_by_field_name("left")) if place.child_by_field_name("right") == node else None
        case "assignment_pattern" | "object_assignment_pattern":
            left = place.child_by_field_name("left")
            plain = left is not None and left.type in {"identifier", "shorthand_property_identifier_pattern"}
            return text(left) if plain and left is not None else None
        case "pair":
            key = place.child_by_field_name("key")
            if key is None:
                return None
            return text(key) if key.type == "computed_property_name" else text(key).strip("'\"")
        case "public_field_definition" | "field_definition":
            key = place.child_by_field_name("name") or place.child_by_field_name("property")
            return _in_class(place, text(key)) if key is not None else None
        case "export_statement":
            return "default"
        case "jsx_expression":
            attribute = place.parent
            is_attribute = attribute is not None and attribute.type == "jsx_attribute"
            return text(attribute.children[0]) if is_attribute and attribute is not None else None
    return None


def _dotted(node: Node | None) -> str | None:
    if node is None:
        return None
    if node.type in _NAMES:
        return text(node)
    if node.type == "member_expression":
        owner, name = node.child_by_field_name("object"), node.child_by_field_name("property")
        if name is None:
            return None
        before = _dotted(owner)
        known = before and before not in {"this", "exports", "module.exports"}
        return f"{before}.{text(name)}" if known else text(name)
    return _dotted(node.child_by_field_name("object")) if node.type == "subscript_expression" else None
