"""Traces as training data: which turns are taken, rows, pairs, and files for other tools."""
