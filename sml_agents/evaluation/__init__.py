"""What a student does in dialogues: metrics with intervals, comparison of students, tables and the HTML report.

definitions    what each metric means
tally          traces -> counts by task
bootstrap      counts -> 95 % intervals
metrics        compute(traces) -> Metrics
compare        several students, their paired differences, `summary.json`
run            evaluate(students, task_specs): dialogues, stores, summary
table          the figures in a terminal
report         the figures and the dialogues in one HTML file
answer_loss    how likely the right answer becomes, teacher turn by teacher turn
"""
