"""The five processes. They never import each other."""
