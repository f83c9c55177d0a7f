"""What the audit says of the classic ways in which an upload goes wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from connectors.tables import ARTIFACTS, RELEASES, conform
from workbench.symbolicate.audit import FINDING, audit_maps

A, B, C, D = (digit * 40 for digit in "abcd")
DEPLOYS = {
    A: datetime(2026, 3, 2, 9),
    B: datetime(2026, 3, 9, 14),
    C: datetime(2026, 3, 9, 23),
    D: datetime(2026, 3, 10, 7),
}


@pytest.fixture
def releases() -> pl.DataFrame:
    rows = [{"release": sha, "deployed_at": at.replace(tzinfo=UTC), "commit": sha} for sha, at in DEPLOYS.items()]
    return conform(pl.DataFrame(rows), RELEASES)


@pytest.fixture
def artifacts() -> pl.DataFrame:
    uploads = {A: datetime(2026, 3, 2, 8), B: datetime(2026, 3, 9, 17), D: datetime(2026, 3, 10, 6)}
    rows = [
        {
            "release": sha,
            "url": "~/assets/app.js",
            "map_location": f"{sha}/app.js.map",
            "uploaded_at": at.replace(tzinfo=UTC),
        }
        for sha, at in uploads.items()
    ]
    return conform(pl.DataFrame(rows), ARTIFACTS)


def seen(release: str, status: str, *, location: str | None = None, url: str = "https://shop.example/assets/app.js",
         event: str = "e", detail: str | None = None) -> dict[str, object]:  # fmt: skip
    return {"event_id": event, "release": release, "url": url, "map_status": status, "map_location": location,
            "map_detail": detail}  # fmt: skip


def audit(
    rows: list[dict[str, object]], artifacts: pl.DataFrame, releases: pl.DataFrame, **options: object
) -> pl.DataFrame:
    found = audit_maps(pl.DataFrame(rows, infer_schema_length=None), artifacts, releases, **options)
    assert dict(found.schema) == FINDING
    return found


def test_four_releases_four_stories(artifacts, releases):
    d_says = f"shop@{D[:12]}"
    found = audit(
        [
            seen(A, "mapped", location=f"{A}/app.js.map"),
            seen(B, "mapped", location=f"{B}/app.js.map"),
            seen(C, "no_artifact", event="e1", detail="nothing uploaded"),
            seen(C, "no_artifact", event="e1", detail="nothing uploaded"),
            seen(C, "no_artifact", event="e2", detail="nothing uploaded"),
            seen(d_says, "mapped", location=f"{D}/app.js.map"),
        ],
        artifacts,
        releases,
    )
    assert found.select("release", "severity", "verdict", "events", "frames").rows() == [
        (A, "good", "complete", 1, 1),
        (B, "partial", "uploaded_late", 1, 1),
        (C, "bad", "no_maps", 2, 3),
        (d_says, "partial", "name_changed", 1, 1),
    ]
    details = dict(found.select("verdict", "detail").iter_rows())
    assert "3.0 h after the deploy" in details["uploaded_late"]
    assert "app.js; nothing uploaded" in details["no_maps"]
    assert f"maps are stored under '{D}'" in details["name_changed"]
    assert "a commit of 40 digits, now package@ a commit of 12 digits" in details["name_changed"]


def test_other_peoples_scripts_are_nobodys_fault(artifacts, releases):
    rows = [
        seen(A, "mapped", location=f"{A}/app.js.map"),
        seen(A, "no_artifact", url="https://widget.example/w.js"),
        seen(A, "not_javascript", url="chrome-extension://x/y.js"),
    ]
    assert audit(rows, artifacts, releases)["verdict"].to_list() == ["complete"]
    named = audit(rows, artifacts, releases, first_party=["shop.example", "widget.example"])
    assert named["verdict"].to_list() == ["missing_maps"]


def test_a_first_party_host_includes_its_subdomains_and_any_port(artifacts, releases):
    urls = ["https://cdn.shop.example/a.js", "http://shop.example:8100/b.js", "https://notshop.example/c.js"]
    rows = [seen(C, "no_artifact", url=url) for url in urls]
    assert audit(rows, artifacts, releases, first_party=["shop.example"])["frames"].to_list() == [2]


@pytest.mark.parametrize("status", ["dist_mismatch", "debug_id_mismatch", "invalid_map", "expired", "outside_map"])
def test_each_status_is_a_finding_with_a_way_out(status, artifacts, releases):
    rows = [seen(A, "mapped", location=f"{A}/app.js.map"), seen(A, status, detail="the reason")]
    row = audit(rows, artifacts, releases).row(0, named=True)
    assert (row["verdict"], row["detail"]) == (status, "1 of 2 frames: the reason")
    assert row["way_out"].endswith(".")


def test_retention_that_ends_while_events_come_in(artifacts, releases):
    rows = [seen(A, "mapped", location=f"{A}/app.js.map")]
    almost = audit(rows, artifacts, releases, now=datetime(2026, 5, 25, 9, tzinfo=UTC))
    assert almost.select("verdict", "detail").rows() == [("retention_ends", "maps will be removed in 6 days, after 90")]
    assert audit(rows, artifacts, releases, now=datetime(2026, 4, 1, tzinfo=UTC))["verdict"].to_list() == ["complete"]


def test_bundles_that_give_their_map_away(artifacts, releases):
    bundles = pl.DataFrame(
        [
            {"release": A, "url": "~/assets/app.js", "code": "f();\n//# sourceMappingURL=app.js.map\n"},
            {"release": A, "url": "~/assets/lib.js", "code": "f();", "source_map_header": "/maps/lib.js.map"},
            {"release": A, "url": "~/assets/x.js", "code": "f();", "map_answers": True},
            {"release": B, "url": "~/assets/app.js", "code": "f();", "map_answers": False},
        ]
    )
    rows = [seen(sha, "mapped", location=f"{sha}/app.js.map") for sha in (A, B)]
    found = audit(rows, artifacts, releases, bundles=bundles).filter(pl.col("verdict") == "map_given_away")
    assert found["release"].to_list() == [A]
    assert found["detail"][0] == (
        "app.js by comment (app.js.map); lib.js by header (/maps/lib.js.map); x.js by its address (x.js.map answers)"
    )


def test_events_without_a_release(artifacts, releases):
    rows = [
        seen(A, "mapped", location=f"{A}/app.js.map"),
        seen(None, "no_artifact", detail="the event names no release"),
    ]
    found = audit(rows, artifacts, releases).filter(pl.col("release").is_null())
    assert found["verdict"].to_list() == ["no_maps"]
    assert "debug IDs" in found["way_out"][0]


def test_nothing_to_audit(artifacts, releases):
    empty = pl.DataFrame(schema=dict.fromkeys(["event_id", "release", "url", "map_status", "map_location"], pl.String))
    assert audit_maps(empty, artifacts, releases).height == 0
