"""Widgets hear from two threads: cells run in one, what is picked and typed may come in another."""

from __future__ import annotations

import ast
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import ipywidgets
import pytest

from workbench import panels
from workbench.case import open_case
from workbench.panels.header import HeaderView
from workbench.panels.lab.bench import Bench
from workbench.panels.lab.editor import Editor
from workbench.panels.turns import in_turn

PANELS = Path(panels.__file__).parent
LONG = 30  # s: what is waited for comes at once, or never


@pytest.fixture
def bench() -> Bench:
    return Bench(open_case("sample-data"))


def until(true: object) -> None:
    end = time.monotonic() + LONG
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.001)


def type_in(editor: Editor, text: str) -> None:
    """Type in a thread without an event loop, where edits follow at once."""
    hand = threading.Thread(target=lambda: setattr(editor.areas[0], "value", text))
    hand.start()
    hand.join(LONG)


def test_what_is_typed_while_the_rules_before_are_tried_stays_in_the_editor(bench: Bench) -> None:
    typing: list[threading.Thread] = []
    held: list[str] = []

    def type_on() -> None:
        if not typing:
            typing.append(threading.Thread(target=lambda: setattr(rules, "value", "typ:TypeError -> everything")))
            typing[0].start()
            until(lambda: rules.value != "t")

    bench.on_change(type_on)
    editor = Editor(bench)
    editor.widget()
    rules = editor.areas[0]
    rules.observe(lambda change: held.append(change["new"]), "value")
    type_in(editor, "t")
    typing[0].join(LONG)
    assert sorted(held) == ["t", "typ:TypeError -> everything"]
    assert rules.value == bench.text == "typ:TypeError -> everything"
    assert "no matcher typ;" in editor.faults()


def test_a_rule_put_in_by_a_button_joins_what_was_typed_last(bench: Bench) -> None:
    editor = Editor(bench)
    editor.widget()
    rules = editor.areas[0]
    type_in(editor, "typ:TypeError -> a")
    bench.edit(text=f"type:Error -> b\n{bench.text}")
    assert rules.value == bench.text == "type:Error -> b\ntyp:TypeError -> a"


def test_one_callback_at_a_time_and_a_callback_may_call_another() -> None:
    inside, most = [], []

    @in_turn
    def inner() -> None:
        most.append(len(inside))

    @in_turn
    def callback() -> None:
        inside.append(None)
        time.sleep(0.002)
        inner()
        inside.pop()

    threads = [threading.Thread(target=callback) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert most == [1] * 8


def test_a_callback_that_comes_late_does_not_bring_an_older_choice_back(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: dict[str, Callable[[object], None]] = {}

    def observe(self: ipywidgets.Dropdown, handler: Callable[[object], None], names: str, type: str = "change") -> None:
        heard[self.description] = handler

    monkeypatch.setattr(
        panels.header.ipywidgets, "Dropdown", type("Picker", (ipywidgets.Dropdown,), {"observe": observe})
    )
    day = datetime(2026, 9, 1, tzinfo=UTC)
    header = panels.Header(HeaderView("shop", day, day.replace(day=2), environments=("live", "test")))
    picker = next(child for child in header.widget().children if child.description == "Environment")
    picker.value = "test"
    heard["Environment"]({"new": "live"})
    assert header.selection["environment"] == "test"


def callbacks(path: Path) -> Iterator[tuple[str, bool]]:
    """Give each call that listens to a control, and whether what it hands over takes its turn."""
    tree = ast.parse(path.read_text())
    turned = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and any(ast.unparse(one) == "in_turn" for one in node.decorator_list)
    }
    for node in ast.walk(tree):
        call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if call and node.func.attr in ("observe", "on_click", "on_submit"):
            handed = ast.unparse(node.args[0])
            said = f"{path.relative_to(PANELS)}:{node.lineno}: {ast.unparse(node)}"
            yield said, handed in turned or handed.startswith("in_turn(")


def test_every_callback_of_a_control_takes_its_turn() -> None:
    found = [one for path in sorted(PANELS.rglob("*.py")) for one in callbacks(path)]
    assert len(found) > 8
    assert [said for said, turned in found if not turned] == []
