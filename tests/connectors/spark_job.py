"""A script as somebody would give it to spark-submit: a case over the tables at an address, its answers as JSON."""

from __future__ import annotations

import json
import sys

import workbench as wb


def main(address: str) -> None:
    """Print what a case at the address says."""
    case = wb.open_case(address)
    changed = case.measured.change("a", "b", ["metric"])
    answers = {
        "big": case.is_big("vitals"),
        "n": case.store.count("vitals"),
        "verdict": changed["verdict"].to_list(),
        "p75": changed["p75_after"].to_list(),
        "shapes": case.shapes["n"].to_list(),
        "note": case.ledger.filter(table="vitals")["note"].to_list(),
    }
    print("ANSWERS " + json.dumps(answers))
    case.store.close()


if __name__ == "__main__":
    main(sys.argv[1])
