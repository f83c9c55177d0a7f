"""Tests of workbench/symbolicate."""
