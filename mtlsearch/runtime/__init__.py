"""Encodes inputs and decodes outputs with numpy alone. Exported models hold a copy."""
