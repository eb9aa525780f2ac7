"""The conformance suites' own modules stand beside them: sides of the world, and examples of every effect."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
