"""What a command says when it fails."""


class CommandError(Exception):
    """The command failed; the message is one line for a person."""
