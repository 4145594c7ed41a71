#!/bin/bash
# Sources ROS 2 and the package, then becomes the command.
set -e
source /opt/ros/jazzy/setup.bash
source /opt/praxis/install/setup.bash
exec "$@"
