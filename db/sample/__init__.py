"""A shop with a past: fills an empty store with orders that look as if they had been worked on for weeks.

Orders are told as stories (`stories`, `plots`) in a simulated shop, so that quantities, stock, statuses and the journal
agree by construction; `schedule` says who orders what.
"""

from db.sample.loading import Summary, is_loaded, load

__all__ = ["Summary", "is_loaded", "load"]
