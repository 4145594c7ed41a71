"""Launch files say what the launch tables say, and every name in launch, config, RViz and bridge files is one of the code's.

The stand-ins for `launch` and `launch_ros` only write down what they are told; the files themselves
run as under `ros2 launch`.
"""

import importlib.util
import os
import pathlib
import re
import sys
import types

import yaml
from checks import Checks
from code_constants import ROOT, STANDARD, plain, services, topics

SCENARIOS = sorted(path.name.removesuffix(".launch.py") for path in (ROOT / "launch").glob("*.launch.py"))
ROBOTS = sorted(path.parent.name for path in (ROOT / "config").glob("*/control.yaml"))
# Names that the code does not hold: stock parts of Gazebo's scenario.
STOCK_ACTIONS = {"arm_controller/follow_joint_trajectory"}


class Told:
    """Remembers how it was made."""

    def __init__(self, *args, **kwargs):
        self.args, self.told = args, kwargs


class LaunchConfiguration(Told):
    def perform(self, context):
        return context[self.args[0]]


def kind(name):
    return type(name, (Told,), {})


STAND_INS = {
    "launch": {"LaunchDescription": Told},
    "launch.actions": {name: kind(name) for name in ("DeclareLaunchArgument", "LogInfo", "OpaqueFunction", "RegisterEventHandler", "Shutdown")},
    "launch.event_handlers": {"OnProcessExit": kind("OnProcessExit")},
    "launch.substitutions": {"LaunchConfiguration": LaunchConfiguration},
    "launch_ros": {},
    "launch_ros.actions": {"Node": kind("Node")},
}


def load(path):
    for name, content in STAND_INS.items():
        module = types.ModuleType(name)
        vars(module).update(content)
        sys.modules[name] = module
    spec = importlib.util.spec_from_file_location("scenario", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def declared(module):
    return module.generate_launch_description().args[0][:-1]


def actions(module, **given):
    """What the launch file starts with these arguments."""
    *arguments, function = module.generate_launch_description().args[0]
    context = {argument.args[0]: argument.told["default_value"] for argument in arguments} | given
    return function.told["function"](context, *function.told["args"])


def started(module, **given):
    """The nodes among them."""
    return [action for action in actions(module, **given) if type(action).__name__ == "Node"]


def check_scenario(checks, name):
    path = ROOT / f"launch/{name}.launch.py"
    module = load(path)
    table = module.table.read(path.with_name(f"{name}.yaml"))
    arguments = {argument.args[0]: argument.told for argument in declared(module)}
    checks.check(f"{name}: every argument of its table is declared", set(arguments) == set(table["arguments"]), arguments)
    checks.check(f"{name}: each argument is described", all(told["description"] for told in arguments.values()), arguments)
    allowed = all(told["choices"] is None or told["default_value"] in told["choices"] for told in arguments.values())
    checks.check(f"{name}: each default is among the choices", allowed, arguments)
    used = set(re.findall(r"\$\{(\w+)\}", str(table["nodes"]))) - {"robot_folder"}
    conditions = {key for entry in table["nodes"] for key in entry.get("only_if", {})}
    everywhere = {"robot", "namespace", "rviz", "log_level", "use_sim_time"}
    checks.check(f"{name}: uses no argument that is not declared", used | conditions <= set(arguments), used - set(arguments))
    own = set(yaml.safe_load((ROOT / f"launch/{name}.yaml").read_text()).get("arguments", {}))
    checks.check(f"{name}: declares none of its own that nobody uses", own <= used | conditions | everywhere, own - used)

    nodes = started(module)
    wanted = [entry for entry in table["nodes"] if all(arguments[key]["default_value"] in values for key, values in entry.get("only_if", {}).items())]
    checks.check(f"{name}: starts the nodes of its table", [node.told["name"] for node in nodes] == [entry["name"] for entry in wanted])
    for robot in ROBOTS:
        for node in started(module, robot=robot):
            *files, _ = node.told["parameters"]
            missing = [file for file in files if not pathlib.Path(file).is_file()]
            checks.check(f"{name}: parameter files of {node.told['name']} are there for {robot}", not missing, missing)
    for entry in table["nodes"]:
        if entry.get("package", "praxis") == "praxis":
            profile = ROOT / entry["fast_dds_profile"]
            checks.check(f"{name}: {entry['name']} has its transports", profile.is_file(), profile)
        kept = entry.get("respawn", False) + entry.get("required", False)
        checks.check(f"{name}: {entry['name']} comes back or is required, not both", kept < 2)
        for target in entry.get("remaps", {}).values():
            checks.check(f"{name}: '{target}' is a name of the code", plain(target) in topics().keys() | services())
        action = entry.get("parameters", {}).get("trajectory_action")
        if action:
            checks.check(f"{name}: '{action}' is a known action", action in services() | STOCK_ACTIONS)
    handled = [a.args[0].told["target_action"].told["name"] for a in actions(module) if type(a).__name__ == "RegisterEventHandler"]
    awaited = [entry["name"] for entry in wanted if entry.get("respawn") or entry.get("required")]
    checks.check(f"{name}: a node's end is told", handled == awaited, (handled, awaited))

    apart = started(module, namespace="left")
    checks.check(f"{name}: a namespace takes nodes and transforms along", all(node.told["namespace"] == "left" and ("/tf", "tf") in node.told["remappings"] for node in apart))
    seen = [node for node in started(module, rviz="true") if node.told["executable"] == "rviz2"]
    checks.check(f"{name}: rviz:=true opens its view", len(seen) == 1 and pathlib.Path(seen[0].told["arguments"][1]).is_file(), seen)


def check_sort_table(checks):
    module = load(ROOT / "launch/sort_table.launch.py")
    nodes = {node.told["executable"]: node.told for node in started(module, seed="7")}
    for executable, told in nodes.items():
        profile = pathlib.Path(told["additional_env"]["FASTRTPS_DEFAULT_PROFILES_FILE"])
        frames = executable in ("sim_node", "perception_node")
        checks.check(f"{executable}: talks by {'shared memory' if frames else 'UDP'}", ("shm" in profile.name) == frames, profile)
        checks.check(f"{executable}: it dies alone and comes back, the simulator excepted", told["respawn"] == (executable != "sim_node"))
    parameters = nodes["sim_node"]["parameters"][-1]
    checks.check("a seed is a number, a file name a string", parameters["seed"] == 7 and parameters["judge_file"] == "", parameters)
    checks.check("an empty parameter is not given", "robot_description_file" not in parameters, parameters)
    checks.check("use_sim_time is a truth value", nodes["control_node"]["parameters"][-1]["use_sim_time"] is True)
    without = {node.told["executable"] for node in started(module, sim="none")}
    checks.check("sim:=none leaves the simulator out", without == nodes.keys() - {"sim_node"}, without)
    elsewhere = started(module, robot="/tmp/arm")[0].told["parameters"][0]
    checks.check("a robot elsewhere is found by its path", elsewhere == "/tmp/arm/sim.yaml", elsewhere)


def topics_in_view(tree):
    """Every topic that an RViz file names."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == "Value" and isinstance(value, str):
                yield value
            elif key.endswith("Topic") and isinstance(value, str):
                yield value
            else:
                yield from topics_in_view(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from topics_in_view(value)


def check_views(checks):
    for path in sorted((ROOT / "config/rviz").glob("*.rviz")):
        named = list(topics_in_view(yaml.safe_load(path.read_text())))
        unknown = [name for name in named if plain(name) not in topics()]
        checks.check(f"{path.name}: its {len(named)} topics are the code's", named and not unknown, unknown)


def check_bridge(checks):
    known = topics()
    for entry in yaml.safe_load((ROOT / "config/gazebo/bridge.yaml").read_text()):
        name = plain(entry["ros_topic_name"])
        fits = name in STANDARD or known.get(name) == entry["ros_type_name"]
        checks.check(f"bridge: {name} is a topic of the code, of its type", fits, known.get(name))
        checks.check(f"bridge: {name} comes from Gazebo", entry["direction"] == "GZ_TO_ROS" and entry["gz_type_name"].startswith("gz.msgs."))


def main():
    checks = Checks()
    os.environ.pop("FASTRTPS_DEFAULT_PROFILES_FILE", None)  # set, it would stay
    checks.check("every scenario has its table", all((ROOT / f"launch/{name}.yaml").is_file() for name in SCENARIOS), SCENARIOS)
    for name in SCENARIOS:
        check_scenario(checks, name)
    check_sort_table(checks)
    check_views(checks)
    check_bridge(checks)
    checks.finish()


if __name__ == "__main__":
    main()
