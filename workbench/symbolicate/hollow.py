"""Is there anything in a script that a map could lead to? Bundlers write no map for a chunk that holds no code."""

from __future__ import annotations

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

LARGEST = 10_000  # characters; whatever is longer holds code
_STATEMENTS = {"comment", "hash_bang_line", "empty_statement", "import_statement"}
_EMPTY = {"method_definition", "function_expression", "arrow_function"}


def is_hollow(code: str) -> bool:
    """Say whether a script only imports, exports what it imports, or is a chunk without code.

    Examples
    --------
    >>> is_hollow('import{a as e}from"./chunk.js";export{e as money};'), is_hollow("/* nothing */"), is_hollow("f()")
    (True, True, False)
    >>> is_hollow('"use strict";(self.webpackChunk=self.webpackChunk||[]).push([[902],{97(){}},e=>{e(97)}]);')
    True
    >>> is_hollow("(self.webpackChunk=self.webpackChunk||[]).push([[902],{97(){total()}},e=>{e(97)}]);")
    False
    """
    if len(code) > LARGEST:
        return False
    program = Parser(Language(tree_sitter_javascript.language())).parse(code.encode("utf-8", "replace")).root_node
    return not program.has_error and all(_holds_nothing(statement) for statement in program.named_children)


def _holds_nothing(statement: Node) -> bool:
    if statement.type in _STATEMENTS:
        return True
    if statement.type == "export_statement":
        return all(child.type in ("export_clause", "namespace_export", "string") for child in statement.named_children)
    if statement.type != "expression_statement":
        return False
    [*_, expression] = statement.named_children
    return expression.type == "string" or (expression.type == "call_expression" and _is_empty_chunk(expression))


def _is_empty_chunk(call: Node) -> bool:
    """Whether a call hands over chunk numbers and modules (and what starts them), all modules being empty."""
    pushed, given = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    if pushed is None or given is None or b"webpackChunk" not in (pushed.text or b""):
        return False
    chunk = [child for child in given.named_children if child.type == "array"]
    parts = chunk[0].named_children if len(chunk) == len(given.named_children) == 1 else []
    modules = [part for part in parts if part.type == "object"]
    return len(modules) == 1 and all(_is_empty_function(module) for module in modules[0].named_children)


def _is_empty_function(module: Node) -> bool:
    function = module.child_by_field_name("value") if module.type == "pair" else module
    body = function.child_by_field_name("body") if function is not None and function.type in _EMPTY else None
    return body is not None and body.type == "statement_block" and not body.named_children
