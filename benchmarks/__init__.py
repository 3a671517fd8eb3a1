"""What Relevo costs, each figure beside something to compare with: `python -m benchmarks [NAME …]`."""
