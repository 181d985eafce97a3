import sys
from pathlib import Path

# The helpers of this directory, which importlib mode does not put on the path.
sys.path.insert(0, str(Path(__file__).parent))

from real_edge import real_edge  # noqa: F401
