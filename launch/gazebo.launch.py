"""The sorting table in Gazebo, with gz_ros2_control and ros_gz_bridge: all that is to be said stands in gazebo.yaml."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import table  # noqa: E402


def generate_launch_description():
    return table.description(__file__)
