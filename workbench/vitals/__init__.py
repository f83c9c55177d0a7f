"""Core Web Vitals: percentiles with their uncertainty, cohorts, attribution."""

from workbench.vitals.attribution import culprits, phases
from workbench.vitals.censoring import find_censoring
from workbench.vitals.cohorts import compare_cohorts, compare_deploys, compare_releases
from workbench.vitals.histogram import histogram_percentiles, merge_histograms
from workbench.vitals.mix import mix_shift
from workbench.vitals.percentiles import vitals_percentiles
from workbench.vitals.population import treat

__all__ = [
    "compare_cohorts",
    "compare_deploys",
    "compare_releases",
    "culprits",
    "find_censoring",
    "histogram_percentiles",
    "merge_histograms",
    "mix_shift",
    "phases",
    "treat",
    "vitals_percentiles",
]
