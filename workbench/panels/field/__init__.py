"""The vitals report as a page: what users' browsers measured, under one row of pickers.

Each file makes one view from a `look.Look`; `page.Field` puts them under the pickers.
"""

from workbench.panels.field.page import Field

__all__ = ["Field"]
