"""The case: one investigation over the sample data, against what the driver did."""
