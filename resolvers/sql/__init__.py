"""SQL that the schema refers to by name: visibility, derived values, filters, inputs of computed fields.

Whatever stands in a sub-select says outright which row it correlates with; nothing is left to be guessed.
"""
