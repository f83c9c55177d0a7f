"""The rules as text, and what is wrong with them, line and column, beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import ipywidgets
from markupsafe import Markup

from workbench.charts.labels import plural
from workbench.panels.base import Panel
from workbench.panels.lab.bench import Bench
from workbench.panels.markup import join, prose, tag
from workbench.panels.replay import View
from workbench.panels.turns import in_turn

# Typing goes on while the kernel computes; it begins when the fingers rest so long.
_REST_SECONDS = 0.35
_KNOWN = '[[known]]\nid = "…"\nauthor = "…"\nreason = "…"\nexpires = 2027-01-31\npattern = "…"'
_PLACEHOLDER = 'type:"TypeError" message:"*reading \'amount\'*" -> cart, {{ type }}\nstack.abs_path:"**/vendor/**" -app'


class Editor(Panel[Bench]):
    """Two text areas, the rules and the team's known noise; every panel follows what is typed."""

    name = "editor"

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.bench = bench
        self.areas: tuple[ipywidgets.Textarea, ...] = ()

    def static_html(self, result: Bench) -> Markup:
        """Show the rules as they are, and the faults of what is typed."""
        if not result.text.strip() and not result.known_text.strip():
            return tag("p", "No rules of the team's own: the default grouping is at work.", cls="bs-empty")
        texts = [("Rules", result.text), ("Known noise", result.known_text)]
        shown = join(
            tag("h4", head) + tag("pre", text.rstrip(), cls="bs-rules") for head, text in texts if text.strip()
        )
        return shown + self.ended()

    def ended(self) -> Markup:
        """Say which entries of known noise have ended, and how many events count again."""
        rows = self.bench.tried.ended.iter_rows(named=True) if self.bench.good[1] else ()
        return join(
            tag(
                "p",
                f"Known noise {row['id']} ({row['author']}) ended on {row['expires']}: "
                f"{plural(row['n'], 'event')} that it names {'counts' if row['n'] == 1 else 'count'} again.",
                cls="bs-partial",
            )
            for row in rows
        )

    def faults(self) -> Markup:
        """Say what is wrong, or that nothing is."""
        found = self.bench.faults
        if not found:
            rules = sum(
                bool(line.strip()) and not line.lstrip().startswith("#") for line in self.bench.text.splitlines()
            )
            entries = self.bench.known_text.count("[[known]]")
            said = f"{plural(rules, 'rule')}, {plural(entries, 'entry', 'entries')} of known noise; all can be read."
            return tag("p", said, cls="bs-cap") + self.ended()
        items = [
            tag("li", tag("b", f"{fault.file} {fault.line}:{fault.column}"), " ", prose(fault.message))
            for fault in found[:6]
        ]
        more = [tag("li", f"and {len(found) - 6} more")] if len(found) > 6 else []
        kept = tag("p", "Below stand the last rules that could be read.", cls="bs-cap")
        return tag("ul", *items, *more, cls="bs-faults", role="alert") + kept

    def widget(self) -> ipywidgets.Widget:
        """Return the live editor."""
        bench, said = self.bench, View()
        rules = _area(bench.text, "Fingerprint and stack-trace rules, one a line", _PLACEHOLDER, 9)
        known = _area(bench.known_text, "Known noise (TOML)", _KNOWN, 9)
        self.areas = (rules, known)

        typed = [bench.text, bench.known_text]

        def redraw() -> None:
            said.html = str(tag("section", self.faults(), cls="bs bs-editor"))
            # An area may hold more than was heard of: only what somebody else wrote goes into it.
            for at, (area, text) in enumerate(((rules, bench.text), (known, bench.known_text))):
                if text != typed[at]:
                    typed[at] = area.value = text

        rest = Rest(bench.edit)

        @in_turn
        def hear(_: object) -> None:
            typed[:] = rules.value, known.value
            bench.write(*typed)
            rest.begin()

        for area in self.areas:
            area.observe(hear, "value")
        bench.on_change(redraw)
        redraw()
        box = ipywidgets.VBox([ipywidgets.HBox([_labelled(rules), _labelled(known)]), said])
        box.add_class("bs-lab-editor")
        return box


class Rest:
    """Call something once typing has paused; at once where no event loop runs."""

    def __init__(self, then: Callable[[], None], seconds: float = _REST_SECONDS) -> None:
        self.then, self.seconds = then, seconds
        self._begun = 0

    @in_turn
    def begin(self) -> None:
        """Wait anew; one that waited before, in this thread's loop or in another's, comes to nothing."""
        self._begun += 1
        try:
            asyncio.get_running_loop().call_later(self.seconds, self._rested, self._begun)
        except RuntimeError:
            self.then()

    @in_turn
    def _rested(self, begun: int) -> None:
        if begun == self._begun:
            self.then()


def _area(text: str, label: str, placeholder: str, rows: int) -> ipywidgets.Textarea:
    area = ipywidgets.Textarea(value=text, placeholder=placeholder, rows=rows, continuous_update=True)
    area.layout.width = "100%"
    area.tooltip = label
    area.add_class("bs-lab-rules")
    return area


def _labelled(area: Any) -> ipywidgets.VBox:
    box = ipywidgets.VBox([ipywidgets.Label(area.tooltip), area])
    box.layout.width = "50%"
    box.layout.margin = "0 8px 0 0"
    return box
