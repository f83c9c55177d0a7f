"""The replay room, slow and obvious: pages as plain dictionaries, everything recomputed after every event."""

from __future__ import annotations

import copy
import json


def nodes_of(tree):
    yield tree
    for child in tree.get("childNodes", []):
        yield from nodes_of(child)


def find(tree, node_id):
    return next((node for node in nodes_of(tree) if node["id"] == node_id), None)


def parent_of(tree, node_id):
    return next((n for n in nodes_of(tree) if any(c["id"] == node_id for c in n.get("childNodes", []))), None)


def mutated(tree, mutation):
    """The tree after a mutation whose adds come in an order that works."""
    tree = copy.deepcopy(tree)
    for removed in mutation["removes"]:
        parent = parent_of(tree, removed["id"])
        parent["childNodes"] = [child for child in parent["childNodes"] if child["id"] != removed["id"]]
    for add in mutation["adds"]:
        siblings = find(tree, add["parentId"])["childNodes"]
        ids = [child["id"] for child in siblings]
        siblings.insert(ids.index(add["nextId"]) if add["nextId"] in ids else len(ids), copy.deepcopy(add["node"]))
    for text in mutation["texts"]:
        find(tree, text["id"])["textContent"] = text["value"]
    for change in mutation["attributes"]:
        for name, value in change["attributes"].items():
            attributes = find(tree, change["id"])["attributes"]
            attributes.pop(name, None)
            if value is not None:
                attributes[name] = value
    return tree


def text(tree, hidden=("script", "style", "noscript", "template", "head")):
    if tree["type"] == 3:
        return tree["textContent"]
    if tree["type"] == 2:
        if tree["tagName"] in hidden or "hidden" in tree["attributes"]:
            return ""
        if "display:none" in str(tree["attributes"].get("style", "")).replace(" ", ""):
            return ""
    return " ".join(text(child, hidden) for child in tree.get("childNodes", []))


def blank_stretches(events, at_least_ms):
    """[(from, to, until the end)] of one page load: events are (ms, type, source, data as JSON)."""
    tree, states = None, []
    for ms, kind, source, data in events:
        if kind == 2:
            tree = json.loads(data)["node"]
        elif kind == 3 and source == 0:
            tree = mutated(tree, json.loads(data))
        if tree is not None:
            states.append((ms, bool(text(tree).strip())))
    found, had_text, start = [], False, None
    for ms, readable in states:
        if readable and start is not None:
            if ms - start >= at_least_ms:
                found.append((start, ms, False))
            start = None
        had_text = had_text or readable
        if had_text and not readable and start is None:
            start = ms
    if start is not None:
        found.append((start, events[-1][0], True))
    return found
