"""``python -m spatial_lalm`` is the command ``spatial-lalm``."""

from __future__ import annotations

import sys

from spatial_lalm.app.cli import main

sys.exit(main())
