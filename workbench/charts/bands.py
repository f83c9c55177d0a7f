"""A metric's good, needs-improvement and poor bands on a scale in px."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from workbench.charts.labels import vital
from workbench.charts.theme import LIGHT
from workbench.vitals.thresholds import thresholds

BANDS = (("good", LIGHT.band_good), ("needs improvement", LIGHT.band_needs), ("poor", LIGHT.band_poor))
FILL = dict(zip(("good", "needs-improvement", "poor"), (fill for _, fill in BANDS), strict=True))


@dataclass(frozen=True)
class Scale:
    """Values of a metric from 0 to `most`, between `left` and `left + room` px.

    Examples
    --------
    >>> scale = Scale.of("INP", [340.0], left=100, room=675)
    >>> scale.most, scale.x(500)
    (675.0, 600.0)
    """

    metric: str
    left: float
    room: float
    most: float

    @classmethod
    def of(cls, metric: str, values: Iterable[float | None], *, left: float, room: float) -> Scale:
        """Make a scale on which all values and, where the metric has thresholds, the start of the poor band show."""
        rule = thresholds().get(metric)
        known = [1.06 * value for value in values if value is not None]
        return cls(metric, left, room, max([1.35 * rule.poor] if rule else [], default=0) if not known else
                   max([*known, *([1.35 * rule.poor] if rule else [1e-9])]))  # fmt: skip

    def x(self, value: float) -> float:
        """Give the place of a value."""
        return self.left + self.room * min(value, self.most) / (self.most or 1)

    def limits(self) -> tuple[float, ...]:
        """Give the metric's thresholds; none where it has none."""
        rule = thresholds().get(self.metric)
        return (rule.good, rule.poor) if rule else ()

    def rects(self, top: float, height: float) -> list[tuple[object, ...]]:
        """Give a rectangle a band: x, x2, y, y2, fill, name; one grey one for a metric without thresholds."""
        limits = self.limits()
        if not limits:
            return [(self.left, self.left + self.room, top, top + height, LIGHT.noise_pale, "no thresholds")]
        edges = pairwise((0.0, *limits, self.most))
        return [
            (self.x(low), self.x(high), top, top + height, fill, name)
            for (low, high), (name, fill) in zip(edges, BANDS, strict=True)
        ]

    def ticks(self, y: float) -> list[tuple[float, float, str, str]]:
        """Give the thresholds as texts below their places: x, y, text, fill."""
        return [(self.x(limit), y, vital(self.metric, limit), LIGHT.soft) for limit in self.limits()]
