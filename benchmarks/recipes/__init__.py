"""The parts of `reproduction.py`.

cells      the recipes, the tasks they are trained and measured on, and who is compared with whom
workshop   trains the cells of one seed and measures them
results    gathers the figures of all seeds
tables     writes them as Markdown
"""
