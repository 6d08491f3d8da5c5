"""The phrases that any customer may say, as data; read by `bank.py`.

How a line is written is told in `grammar.py`. No line may coach the learner, leave the role, or
hold anything that is not true of every customer of its temper, style and role.
"""
