"""From a launch table (`<scenario>.yaml`) to a launch description; every `<scenario>.launch.py` calls this.

A table either lists its nodes or says `from: other.yaml` and chooses among that table's nodes by
name; `cargo xtask demo` reads the same files by the same rules (crates/xtask/src/launch_table.rs).
"""

import os
import pathlib

import yaml
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction, RegisterEventHandler, Shutdown
from launch.event_handlers import OnProcessExit
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

# The repository, or the share folder of the installed package: files are named relative to it.
ROOT = pathlib.Path(__file__).resolve().parent.parent
# Said of a node, these belong to the node; what else stands in a change is merged into its entry.
MERGED = ("parameters", "remaps", "only_if")


def read(path):
    """A table with its nodes in full."""
    table = yaml.safe_load(path.read_text())
    if "from" not in table:
        return table
    base = read(path.with_name(table["from"]))
    known = {entry["name"]: entry for entry in base["nodes"]}
    chosen = [changed(known[name], table.get("changes", {}).get(name, {})) for name in table["nodes"]]
    return {
        "description": table["description"],
        "arguments": base["arguments"] | table.get("arguments", {}),
        "nodes": chosen + table.get("more_nodes", []),
        "rviz": table.get("rviz", base["rviz"]),
    }


def changed(entry, change):
    return entry | {
        key: entry.get(key, {}) | value if key in MERGED else value for key, value in change.items()
    }


def filled(text, values):
    """Replaces every ${name} by the value of the argument."""
    for name, value in values.items():
        text = text.replace("${" + name + "}", value)
    return text


def robot_folder(robot):
    """A robot is named by its folder: one of config/, or any other one by its path."""
    return robot if "/" in robot else f"config/{robot}"


def environment(entry):
    """Where Fast DDS finds its transports and perception ONNX Runtime; what is set stays."""
    wanted = {"ORT_DYLIB_PATH": ROOT / ".ros/lib/libonnxruntime.so"}
    if "fast_dds_profile" in entry:
        wanted["FASTRTPS_DEFAULT_PROFILES_FILE"] = ROOT / entry["fast_dds_profile"]
    return {name: str(path) for name, path in wanted.items() if name not in os.environ and path.exists()}


def node(entry, values):
    """One entry of the table; values read as YAML, as `-p name:=value` on a command line."""
    files = [str(ROOT / filled(file, values)) for file in entry.get("parameter_files", [])]
    given = {name: filled(value, values) for name, value in entry.get("parameters", {}).items()}
    # An empty value says nothing; an empty text is ''.
    parameters = {name: yaml.safe_load(value) for name, value in given.items() if value}
    arguments = [filled(word, values) for word in entry.get("arguments", [])]
    package = entry.get("package", "praxis")
    if package == "praxis":
        arguments += ["--ros-args", "--log-level", values["log_level"]]
    # Transforms are the one thing with an absolute name: robots in namespaces keep theirs apart.
    apart = {"/tf": "tf", "/tf_static": "tf_static"} if values["namespace"] else {}
    return Node(
        package=package,
        executable=entry["executable"],
        name=entry["name"],
        namespace=values["namespace"],
        parameters=files + [parameters],
        remappings=[(source, filled(target, values)) for source, target in (apart | entry.get("remaps", {})).items()],
        arguments=arguments,
        respawn=entry.get("respawn", False),
        respawn_delay=0.5,
        sigterm_timeout="3",
        cwd=str(ROOT),
        additional_env=environment(entry),
        output="screen",
    )


def when_it_ends(entry, action):
    """What happens when a node dies: it comes back by itself, is no loss, or all the others end too."""
    name = entry["name"]
    if entry.get("respawn", False):
        then = [LogInfo(msg=f"{name} ended; it is started again in 0.5 s and finds its place")]
    elif entry.get("required", False):
        reason = f"{name} ended, without which nothing goes on"
        then = [LogInfo(msg=reason), Shutdown(reason=reason)]
    else:
        return []
    return [RegisterEventHandler(OnProcessExit(target_action=action, on_exit=then))]


def nodes(context, table):
    values = {name: LaunchConfiguration(name).perform(context) for name in table["arguments"]}
    values["robot_folder"] = robot_folder(values["robot"])
    started = []
    for entry in table["nodes"]:
        if all(values[name] in allowed for name, allowed in entry.get("only_if", {}).items()):
            action = node(entry, values)
            started += [action, *when_it_ends(entry, action)]
    if values["rviz"] == "true":
        view = ROOT / table["rviz"]
        started.append(
            Node(
                package="rviz2",
                executable="rviz2",
                namespace=values["namespace"],
                arguments=["-d", str(view)],
                parameters=[{"use_sim_time": values["use_sim_time"] == "true"}],
            )
        )
    return started


def description(launch_file):
    """The launch description of the table beside `launch_file`."""
    path = pathlib.Path(launch_file).resolve()
    table = read(path.with_name(path.name.removesuffix(".launch.py") + ".yaml"))
    arguments = [
        DeclareLaunchArgument(name, default_value=argument["default"], description=argument["description"], choices=argument.get("choices"))
        for name, argument in table["arguments"].items()
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=nodes, args=[table])])
