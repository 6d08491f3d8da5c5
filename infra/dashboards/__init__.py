"""Dashboards and alerts as code: data in Python, files in `infra/deploy`, checked against what the
product really counts. `python -m infra.dashboards` writes them, `--check` only compares. [R-D5].
"""
