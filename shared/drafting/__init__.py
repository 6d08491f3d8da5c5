"""Scenarios and rubrics drafted by a language model: what is asked, and how an answer is built up.

The model writes an outline. Code makes a scenario or a rubric of it, looks for what must not be in
it, and says what was wrong in words that go back to the model.
"""
