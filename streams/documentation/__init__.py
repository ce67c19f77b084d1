"""The documentation site: its pages that are derived from the code, and what MkDocs calls while it builds."""
