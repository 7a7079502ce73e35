"""What is here for the engines and evaluation tools of others.

verifiers, openenv, inspect   the dialogues in their engines
evaluators                    whether an agent asks when it should: for LangSmith's `evaluate()`, openevals, agentevals
langsmith                     lessons as a data set of LangSmith

One seam in the first three: whatever plays the student here, a chat model or a LangGraph agent of your own, plays it
there, over a chat model whose replies the engine samples and records. The dialogue graph, the teacher, the verifier and
the reward are this package's own, unchanged. Each of them needs its engine, an extra of the same name; they cannot all
be installed together, nor with the `openai` extra, because of their pins.
"""
