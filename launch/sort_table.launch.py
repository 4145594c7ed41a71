"""Starts the nodes of the sort_table scenario: all that is to be said stands in sort_table.yaml."""

import os
import pathlib

import yaml
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

# The repository, or the share folder of the installed package: files are named relative to it.
ROOT = pathlib.Path(__file__).resolve().parent.parent


def filled(text, values):
    """Replaces every ${name} by the value of the argument."""
    for name, value in values.items():
        text = text.replace("${" + name + "}", value)
    return text


def environment(entry):
    """Where Fast DDS finds its transports and perception ONNX Runtime; what is set stays."""
    wanted = {"FASTRTPS_DEFAULT_PROFILES_FILE": ROOT / entry["fast_dds_profile"], "ORT_DYLIB_PATH": ROOT / ".ros/lib/libonnxruntime.so"}
    return {name: str(path) for name, path in wanted.items() if name not in os.environ and path.exists()}


def node(entry, values):
    """One entry of the table; values read as YAML, as `-p name:=value` on a command line."""
    files = [str(ROOT / filled(file, values)) for file in entry.get("parameter_files", [])]
    parameters = {name: yaml.safe_load(filled(value, values)) for name, value in entry.get("parameters", {}).items()}
    return Node(
        package="praxis",
        executable=entry["executable"],
        name=entry["name"],
        parameters=files + [parameters],
        remappings=[(source, filled(target, values)) for source, target in entry.get("remaps", {}).items()],
        arguments=["--ros-args", "--log-level", values["log_level"]],
        respawn=entry.get("respawn", False),
        respawn_delay=0.5,
        sigterm_timeout="3",
        cwd=str(ROOT),
        additional_env=environment(entry),
        output="screen",
    )


def nodes(context, table):
    values = {name: LaunchConfiguration(name).perform(context) for name in table["arguments"]}
    chosen = [
        entry
        for entry in table["nodes"]
        if all(values[name] in allowed for name, allowed in entry.get("only_if", {}).items())
    ]
    started = [node(entry, values) for entry in chosen]
    if values["rviz"] == "true":
        view = ROOT / "config/rviz/sort_table.rviz"
        started.append(Node(package="rviz2", executable="rviz2", arguments=["-d", str(view)], parameters=[{"use_sim_time": values["use_sim_time"] == "true"}]))
    return started


def generate_launch_description():
    table = yaml.safe_load(pathlib.Path(__file__).resolve().with_name("sort_table.yaml").read_text())
    arguments = [
        DeclareLaunchArgument(name, default_value=argument["default"], description=argument["description"], choices=argument.get("choices"))
        for name, argument in table["arguments"].items()
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=nodes, args=[table])])
