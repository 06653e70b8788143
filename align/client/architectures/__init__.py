"""Architectures of image models, told by the names of weights in files of any format (no torch).

architecture   what is known of one            families   the table of them, in four files
recognize      names and shapes to one         purposes   files that hold no model at all
headers        names and shapes of a file      sentences  what people are told about a file
listing        a folder of checkpoints
"""
