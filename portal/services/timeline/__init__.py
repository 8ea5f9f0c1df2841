"""The timeline: the leaves of an account in the words of whoever reads it.

Debtors, staff, clients and compliance read the same leaves, each in a module of their own. Each of
them decides on every type of leaf; decision 0019 says how.
"""

from portal.services.timeline.staff import WORDS, Event, timeline
from portal.services.timeline.wording import Words

__all__ = ["WORDS", "Event", "Words", "timeline"]
