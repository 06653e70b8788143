"""What votes say about how they were given, in plain numbers: nothing here knows a page or a store.
voting.py sorts the votes, the others measure, telling.py puts it all in words for a page.

A statistic that votes cannot give is None with a sentence in its place, never a NaN.
"""
