"""Minified positions to the team's own source, with a verdict a frame.

Read `frames` first: it puts the rest together. `matching` finds the map of a bundle, `maps` opens it (through `cache`,
the room's one door to the disk), `decode` reads it (`wire` the JSON, `vlq` and `digits` the mappings, `contents` the
sources it carries, `bounds` how much of all this is taken in), `functions` and `syntax` name what stands at a position.
`distinct`, `numbering`, `positions` and `verdicts` do it once for each distinct position. `audit`, `leaks` and
`explain` say what is wrong with a release, a bundle, a frame. `check` says before a deploy
whether a build's maps are there and its own (`fit`), and which chunks need none (`hollow`).

The rules are in `rules/symbolicate`: `addresses` (what is no script of the site), `releases` (when two names mean one
release, how long maps are kept), `sources` (what is not the team's own), `functions` (names seen through wrappers),
`checks` (when a map belongs to a bundle).
"""
