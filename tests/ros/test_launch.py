"""The launch file says what the launch table says: checked with stand-ins for `launch` and `launch_ros`.

The stand-ins only write down what they are told; the file itself runs as under `ros2 launch`.
"""

import importlib.util
import os
import pathlib
import sys
import types

import yaml
from checks import Checks

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Told:
    """Remembers how it was made."""

    def __init__(self, *args, **kwargs):
        self.args, self.told = args, kwargs


class LaunchConfiguration(Told):
    def perform(self, context):
        return context[self.args[0]]


def load(path):
    stand_ins = {
        "launch": {"LaunchDescription": Told},
        "launch.actions": {"DeclareLaunchArgument": type("Argument", (Told,), {}), "OpaqueFunction": type("Function", (Told,), {})},
        "launch.substitutions": {"LaunchConfiguration": LaunchConfiguration},
        "launch_ros": {},
        "launch_ros.actions": {"Node": type("Node", (Told,), {})},
    }
    for name, content in stand_ins.items():
        module = types.ModuleType(name)
        vars(module).update(content)
        sys.modules[name] = module
    spec = importlib.util.spec_from_file_location("scenario", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def started(module, **given):
    """The nodes that the launch file starts with these arguments."""
    *arguments, function = module.generate_launch_description().args[0]
    context = {argument.args[0]: argument.told["default_value"] for argument in arguments} | given
    return function.told["function"](context, *function.told["args"])


def main():
    checks = Checks()
    os.environ.pop("FASTRTPS_DEFAULT_PROFILES_FILE", None)  # set, it would stay
    scenario = ROOT / "launch/sort_table.launch.py"
    module = load(scenario)
    table = yaml.safe_load(scenario.with_suffix("").with_suffix(".yaml").read_text())

    *arguments, _ = module.generate_launch_description().args[0]
    names = {argument.args[0] for argument in arguments}
    checks.check("every argument of the table is declared", names == set(table["arguments"]), names)
    checks.check("robot, sim, seed, rviz, use_sim_time and log_level are among them", names >= {"robot", "sim", "seed", "rviz", "use_sim_time", "log_level"}, names)

    nodes = {node.told["executable"]: node.told for node in started(module, seed="7")}
    expected = {entry["executable"] for entry in table["nodes"]}
    checks.check("all nodes of the table are started", nodes.keys() == expected, nodes.keys())
    for executable, told in nodes.items():
        *files, _ = told["parameters"]
        missing = [file for file in files if not pathlib.Path(file).is_file()]
        checks.check(f"{executable}: its parameter files are there", files and not missing, missing)
        profile = pathlib.Path(told["additional_env"]["FASTRTPS_DEFAULT_PROFILES_FILE"])
        frames = executable in ("sim_node", "perception_node")
        checks.check(f"{executable}: talks by {'shared memory' if frames else 'UDP'}", profile.is_file() and ("shm" in profile.name) == frames, profile)
        own = [entry for entry in table["nodes"] if entry["executable"] == executable][0]
        addressed = [set(yaml.safe_load(pathlib.Path(file).read_text())) for file in files]
        reached = all(keys & {own["name"], "/" + own["name"], "/**"} for keys in addressed)
        checks.check(f"{executable}: its parameter files address {own['name']}", reached, addressed)
        checks.check(f"{executable}: it dies alone and comes back, the simulator excepted", told["respawn"] == (executable != "sim_node"))
    parameters = nodes["sim_node"]["parameters"][-1]
    checks.check("a seed is a number, a file name a string", parameters["seed"] == 7 and parameters["judge_file"] == "", parameters)
    checks.check("use_sim_time is a truth value", nodes["control_node"]["parameters"][-1]["use_sim_time"] is True)

    without = {node.told["executable"] for node in started(module, sim="none")}
    checks.check("sim:=none leaves the simulator out", without == expected - {"sim_node"}, without)
    seen = {node.told["executable"] for node in started(module, rviz="true")}
    checks.check("rviz:=true opens RViz", seen == expected | {"rviz2"}, seen)
    checks.check("the view that RViz opens is there", yaml.safe_load((ROOT / "config/rviz/sort_table.rviz").read_text()))
    checks.finish()


if __name__ == "__main__":
    main()
