"""Starts the nodes of the moving_goal scenario: all that is to be said stands in moving_goal.yaml."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import table  # noqa: E402


def generate_launch_description():
    return table.description(__file__)
