"""Fitted behaviors: linear models over documented features of what a person said.

Pure, apart from reading the weights and lexicons that ship beside the code. No data set is known
here by name; how the weights come about is told in docs/validity.md.
"""
