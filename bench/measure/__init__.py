"""What bench/run.py measures, one module a subject."""
