"""Faults on purpose, a family a file; ``bench/faults.py`` runs them and prints one table."""
