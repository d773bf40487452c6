"""Order history from files: a mapping says what the columns mean, Postgres joins the files, batches land whole orders.

`run.run` is the way in. docs/import.md explains the language of mappings and what an import promises.
"""
