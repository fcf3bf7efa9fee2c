"""Training of candidates by one of two engines.

The plain engine trains modules one by one, the stacked engine many of them as one tensor program.
Knows backbones, sharings and weightings by their contracts only, and knows no search.
"""

from mtlsearch.kernels import fix_products

fix_products()  # before the first product of whoever trains or predicts
