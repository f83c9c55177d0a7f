"""The standard's own suite (tc39/source-map-tests), by the names of its 99 cases: each has its like among ours."""

from __future__ import annotations

import pytest

from tests.naive.symbolicate import encode_mappings
from tests.symbolicate.rules import CASES
from tests.symbolicate.stores import map_bytes
from workbench.symbolicate.decode import decode_map

# of the official name: whether the suite wants the map accepted, and which of our cases breaks or keeps the same rule
LIKE: dict[str, tuple[bool, str]] = {
    "versionValid": (True, "version-valid"),
    "versionMissing": (False, "version-missing"),
    "versionNotANumber": (False, "version-not-a-number"),
    "versionNumericString": (False, "version-text"),
    "versionTooHigh": (False, "version-high"),
    "versionTooLow": (False, "version-low"),
    "mappingsMissing": (False, "mappings-missing"),
    "sourcesMissing": (False, "sources-missing"),
    "sourcesNotAList1": (False, "sources-text"),
    "sourcesNotAList2": (False, "sources-object"),
    "sourcesNotStringOrNull": (False, "sources-number-in-it"),
    "sourcesContentMissing": (True, "version-valid"),
    "sourcesContentNotAList1": (False, "sources-content-text"),
    "sourcesContentNotAList2": (False, "sources-content-object"),
    "sourcesContentNotStringOrNull": (False, "sources-content-number-in-it"),
    "sourcesAndSourcesContentBothNull": (True, "sources-null-content-null"),
    "fileNotAString1": (False, "file-number"),
    "fileNotAString2": (False, "file-list"),
    "sourceRootNotAString1": (False, "source-root-number"),
    "sourceRootNotAString2": (False, "source-root-list"),
    "namesMissing": (True, "names-missing"),
    "namesNotAList1": (False, "names-text"),
    "namesNotAList2": (False, "names-object"),
    "namesNotString": (False, "names-number-in-it"),
    "ignoreListEmpty": (True, "ignore-list-empty"),
    "ignoreListValid1": (True, "ignore-list"),
    "ignoreListWrongType1": (False, "ignore-list-text"),
    "ignoreListWrongType2": (False, "ignore-list-fraction"),
    "ignoreListWrongType3": (False, "ignore-list-number"),
    "ignoreListWrongType4": (False, "ignore-list-negative"),
    "ignoreListOutOfBounds1": (False, "ignore-list-beyond"),
    "ignoreListOutOfBounds2": (False, "ignore-list-negative"),
    "unrecognizedProperty": (True, "unknown-fields"),
    "invalidVLQDueToNonBase64Character": (False, "foreign-character"),
    "invalidVLQDueToNonBase64CharacterPadding": (False, "padding"),
    "invalidVLQDueToMissingContinuationDigits": (False, "number-cut-off-at-the-end"),
    "invalidMappingNotAString1": (False, "mappings-number"),
    "invalidMappingNotAString2": (False, "mappings-list"),
    "invalidMappingSegmentBadSeparator": (False, "foreign-separator"),
    "invalidMappingSegmentWithZeroFields": (False, "segment-of-none"),
    "invalidMappingSegmentWithTwoFields": (False, "segment-of-two"),
    "invalidMappingSegmentWithThreeFields": (False, "segment-of-three"),
    "invalidMappingSegmentWithSourceIndexOutOfBounds": (False, "source-beyond"),
    "invalidMappingSegmentWithNameIndexOutOfBounds": (False, "name-beyond"),
    "invalidMappingSegmentWithNegativeColumn": (False, "column-negative"),
    "invalidMappingSegmentWithNegativeSourceIndex": (False, "source-negative"),
    "invalidMappingSegmentWithNegativeOriginalLine": (False, "line-negative"),
    "invalidMappingSegmentWithNegativeOriginalColumn": (False, "original-column-negative"),
    "invalidMappingSegmentWithNegativeNameIndex": (False, "name-negative"),
    "invalidMappingSegmentWithNegativeRelativeColumn": (False, "column-negative-later"),
    "invalidMappingSegmentWithNegativeRelativeSourceIndex": (False, "source-negative-later"),
    "invalidMappingSegmentWithNegativeRelativeOriginalLine": (False, "line-negative-later"),
    "invalidMappingSegmentWithNegativeRelativeOriginalColumn": (False, "original-column-negative-later"),
    "invalidMappingSegmentWithNegativeRelativeNameIndex": (False, "name-negative-later"),
    "invalidMappingSegmentWithColumnExceeding32Bits": (False, "column-of-33-bits"),
    "invalidMappingSegmentWithSourceIndexExceeding32Bits": (False, "source-of-33-bits"),
    "invalidMappingSegmentWithOriginalLineExceeding32Bits": (False, "line-of-33-bits"),
    "invalidMappingSegmentWithOriginalColumnExceeding32Bits": (False, "original-column-of-33-bits"),
    "invalidMappingSegmentWithNameIndexExceeding32Bits": (False, "name-of-33-bits"),
    "validMappingFieldsWith32BitMaxValues": (True, "largest-numbers"),
    "validMappingLargeVLQ": (True, "very-padded-number"),
    "validMappingEmptyGroups": (True, "mappings-empty-lines"),
    "validMappingEmptyString": (True, "mappings-empty"),
    "indexMapWrongTypeSections": (False, "sections-object"),
    "indexMapWrongTypeOffset": (False, "section-offset-text"),
    "indexMapWrongTypeMap": (False, "section-map-text"),
    "indexMapInvalidBaseMappings": (False, "sections-and-mappings"),
    "indexMapInvalidOverlap": (False, "sections-at-one-place"),
    "indexMapInvalidOrder": (False, "sections-out-of-order"),
    "indexMapMissingMap": (False, "section-map-missing"),
    "indexMapInvalidSubMap": (False, "section-map-broken"),
    "indexMapMissingOffset": (False, "section-offset-missing"),
    "indexMapMissingOffsetLine": (False, "section-line-missing"),
    "indexMapMissingOffsetColumn": (False, "section-column-missing"),
    "indexMapOffsetLineWrongType": (False, "section-line-text"),
    "indexMapOffsetColumnWrongType": (False, "section-column-text"),
    "indexMapEmptySections": (True, "index-map-empty"),
    "indexMapFileWrongType1": (False, "index-map-file-number"),
    "indexMapFileWrongType2": (False, "index-map-file-number"),
    "basicMapping": (True, "basic"),
    "sourceRootResolution": (True, "source-root"),
    "sourceResolutionAbsoluteURL": (True, "source-absolute"),
    "basicMappingWithIndexMap": (True, "index-map-with-a-file"),
    "indexMapWithMissingFile": (True, "index-map"),
    "indexMapWithTwoConcatenatedSources": (True, "index-map-split-line"),
    "sourcesNullSourcesContentNonNull": (True, "sources-null-content-given"),
    "sourcesNonNullSourcesContentNull": (True, "sources-given-content-null"),
    "transitiveMapping": (True, "basic"),  # and the chain below
    "transitiveMappingWithThreeSteps": (True, "basic"),
    "vlqValidSingleDigit": (True, "segment-of-one-number"),
    "vlqValidNegativeDigit": (True, "numbers-go-back"),
    "vlqValidContinuationBitPresent1": (True, "padded-number"),
    "vlqValidContinuationBitPresent2": (True, "numbers-of-two-digits"),
    "mappingSemanticsSingleFieldSegment": (True, "segment-of-one-number"),
    "mappingSemanticsFourFieldSegment": (True, "numbers-go-back"),
    "mappingSemanticsFiveFieldSegment": (True, "columns-restart-and-the-rest-goes-on"),
    "mappingSemanticsColumnReset": (True, "columns-restart-every-line"),
    "mappingSemanticsRelative1": (True, "basic"),
    "mappingSemanticsRelative2": (True, "columns-restart-and-the-rest-goes-on"),
}


def test_the_suite_is_named_whole() -> None:
    assert len(LIKE) == 99


@pytest.mark.parametrize("official", LIKE)
def test_every_official_case_has_its_like_here(official: str) -> None:
    """What the like case answers, `test_rules` holds against two other readers."""
    wanted, name = LIKE[official]
    [case] = [case for case in CASES if case.name == name]
    assert case.valid == wanted


def test_a_chain_of_maps_is_followed_step_by_step() -> None:
    """A minified bundle from JavaScript from TypeScript: each map's answer is the next one's question."""
    first = decode_map(map_bytes(sources=["a.js"], mappings=encode_mappings([[(0, 0, 1, 4), (8, 0, 2, 0)]])))
    lines = [[], [(4, 0, 7, 2)], [(0, 0, 9, 1, 0)]]
    second = decode_map(map_bytes(sources=["a.ts"], names=["total"], mappings=encode_mappings(lines)))
    step = first.original([0, 0], [3, 9])
    assert step.rows() == [("a.js", 1, 4, None), ("a.js", 2, 0, None)]
    assert second.original(step["line"], step["column"]).rows() == [("a.ts", 7, 2, None), ("a.ts", 9, 1, "total")]
