"""A slow and obvious twin of `workbench.alerts`: one bin after the other, in sums."""

from __future__ import annotations

from collections.abc import Sequence


def judge(
    errors: Sequence[float], visits: Sequence[float], *, window: int, over: int, after: int, quiet: int, times: float,
    least: float,
) -> list[tuple[float, float | None, bool, bool]]:  # fmt: skip
    """Recent errors, the usual, whether the rule is broken and whether it fires, bin by bin; lengths are in bins."""
    told: list[tuple[float, float | None, bool, bool]] = []
    for i in range(len(errors)):
        inside = range(max(0, i - window + 1), i + 1)
        before = range(max(0, i - over), max(0, i - window + 1))
        recent, met = sum(errors[k] for k in inside), sum(visits[k] for k in inside)
        seen = sum(visits[k] for k in before)
        usual = (sum(errors[k] for k in before) + 0.5) / seen if i + 1 - window >= after and seen > 0 else None
        broken = usual is not None and recent >= least and recent / (usual * max(met, 1)) >= times
        lately = any(was for _, _, was, _ in told[max(0, i - quiet) : i])
        told.append((recent, usual, broken, broken and not lately))
    return told
