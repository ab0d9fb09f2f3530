"""What reconciler costs, measured as ratios within one run. `python -m benchmarks` runs all of it."""
