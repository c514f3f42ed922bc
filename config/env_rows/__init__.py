"""The rows of `config.env_table`, by what they are about. Imported by it alone."""
