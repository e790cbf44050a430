"""creditbench's credit rules for trainers in Python: creditbench.verl, creditbench.skyrl, creditbench.trl.

They are computed by `creditbench serve`. Needs nothing but the standard library and the trainer's own PyTorch.
"""

from .batch import ALGORITHMS, Lacking, estimate
from .server import CreditError, post

__version__ = "0.1.0"
__all__ = ["ALGORITHMS", "CreditError", "Lacking", "estimate", "post"]
