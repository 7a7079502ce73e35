"""Reinforcement learning on dialogues: the model under training as a student, its dialogues, and what they earn."""
