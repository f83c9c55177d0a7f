"""Blindspot: `import workbench as wb; case = wb.open_case("sample-data")`."""
