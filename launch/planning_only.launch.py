"""The move_group interface and control, for MoveIt clients of one's own: all that is to be said stands in planning_only.yaml."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import table  # noqa: E402


def generate_launch_description():
    return table.description(__file__)
