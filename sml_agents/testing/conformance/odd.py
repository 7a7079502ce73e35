"""Texts with which nothing may break."""

ODD_TEXTS = ("", " \n\t", "\ud800\x00", "x" * 200_000, "```python\n" * 2_000, "(" * 50_000, "\u202e\u0301" * 500)
