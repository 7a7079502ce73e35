"""The dialogues in engines of others: `integrations.verifiers` and `integrations.openenv`.

One seam in both: whatever plays the student here, a chat model or a LangGraph agent of your own, plays it there, over a
chat model whose replies the engine samples and records. The dialogue graph, the teacher, the verifier and the reward
are this package's own, unchanged. Each module needs its engine, an extra of the same name; they cannot be installed
together with each other, nor with the `openai` extra, because of their pins.
"""
