"""How often an answer comes out and how often it is true: one split, and every row tested.

Whole studies as a user has them, on problems of which so many other rows are known that the truth
can be measured.
"""
