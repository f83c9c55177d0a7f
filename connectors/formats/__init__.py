"""Wire formats to canonical rows, without I/O: the only code that knows a vendor's field names."""
