"""The rules at work as other systems take them, and what they have no words for."""

from __future__ import annotations

from dataclasses import dataclass

import ipywidgets
from markupsafe import Markup

from connectors.formats.posthog_rules import posthog_rules
from connectors.formats.sentry_rules import Exported, sentry_rules
from workbench.charts.labels import plural
from workbench.errors.rule_syntax import parse_rules
from workbench.panels.base import Panel
from workbench.panels.lab.bench import Bench
from workbench.panels.markup import join, tag

_WRITERS = {"Sentry": sentry_rules, "PostHog": posthog_rules}


@dataclass(frozen=True)
class ExportView:
    """The rules in each system's words."""

    exported: dict[str, Exported]
    n_rules: int


def export_view(bench: Bench) -> ExportView:
    """Write the rules at work for each system."""
    rules = parse_rules(bench.good[0])
    made = {name: write(rules.fingerprints, rules.stacks) for name, write in _WRITERS.items()}
    return ExportView(made, len(rules.fingerprints) + len(rules.stacks))


class Exporting(Panel[ExportView]):
    """A text for each system, folded, and one line for each thing that it cannot say."""

    name = "export"

    def __init__(self, bench: Bench) -> None:
        super().__init__(lambda system=None: export_view(bench), header=bench)  # type: ignore[arg-type]

    def controls(self) -> dict[str, ipywidgets.Widget]:
        """Pick the system."""
        return {"system": ipywidgets.ToggleButtons(options=list(_WRITERS))}

    def static_html(self, result: ExportView) -> Markup:
        """Return the texts."""
        if not result.n_rules:
            return tag("p", "There are no rules to export.", cls="bs-empty")
        chosen = self.own.get("system")
        names = [chosen] if chosen else list(result.exported)
        return join(_one(name, result.exported[name], bool(chosen)) for name in names)


def _one(name: str, exported: Exported, is_open: bool) -> Markup:
    left = [tag("li", line, cls="bs-wrap") for line in exported.left_out]
    said = f"{plural(len(left), 'thing')} that {name} cannot say:" if left else f"{name} can say all of it."
    text = tag("pre", exported.text, cls="bs-rules")
    body = text if is_open else tag("details", tag("summary", "the text"), text)
    return tag("h4", f"For {name}") + tag("p", said) + (tag("ul", *left) if left else Markup("")) + body
