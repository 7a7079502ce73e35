"""Data sets of problems as tasks, made underspecified or dealt out by rule."""
