"""Reading what people and models wrote: answers, questions, numbers and sentences in words."""
