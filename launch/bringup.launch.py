"""All nodes for a real robot, or any simulator that runs already: all that is to be said stands in bringup.yaml."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import table  # noqa: E402


def generate_launch_description():
    return table.description(__file__)
