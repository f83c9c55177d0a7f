"""Core Web Vitals: percentiles with their uncertainty, cohorts, attribution."""
