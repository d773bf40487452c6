"""Outside systems, one folder each: a connector speaks its vendor's language and yields records of `domain`.

It decides nothing. Folders import only `connectors.{base,errors,http,payload,signatures}` and `domain`; the other
modules of this package find, run and watch them.
"""
