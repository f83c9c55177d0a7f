"""The incident report: a notebook run by papermill, one HTML file."""
