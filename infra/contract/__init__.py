"""The OpenAPI document as a contract: written, compared, checked by linters, shown by examples."""
