"""The source maps of a case as a page: can every stack be read, why not, and what a map that turns up later changes.

`findings` makes what is said first, `frame` looks at one frame, `again` at maps that turned up and at maps that are
given away; `page.SourceMapsPage` puts them together.
"""

from workbench.panels.maps.page import SourceMapsPage

__all__ = ["SourceMapsPage"]
