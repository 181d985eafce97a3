import sys
from pathlib import Path

# The Edge that tests of Edge use, which importlib mode does not put on the path.
sys.path.insert(0, str(Path(__file__).parents[1] / "edge"))
