"""Every parameter in config/ and in the launch tables is one that its node declares, of its type and within its range.

The nodes are asked: each is started once, unconfigured, and tells what it declares.
"""

import os
import subprocess
import time

os.environ.setdefault("ROS_DOMAIN_ID", str(20 + os.getpid() % 40))

import rclpy
import yaml
from checks import Checks, wait_until
from code_constants import ROOT
from rcl_interfaces.msg import ParameterType
from rcl_interfaces.srv import DescribeParameters, ListParameters

BINARIES = os.environ.get("PRAXIS_NODES", str(ROOT / "target/ros/release"))
NODES = {
    "sim": ("sim_node", "sim.yaml"),
    "control": ("control_node", "control.yaml"),
    "perception": ("perception_node", "perception.yaml"),
    "move_group": ("planning_node", "planning.yaml"),
    "task": ("task_node", "task.yaml"),
}
TYPES = {
    ParameterType.PARAMETER_BOOL: bool,
    ParameterType.PARAMETER_INTEGER: int,
    ParameterType.PARAMETER_DOUBLE: (int, float),
    ParameterType.PARAMETER_STRING: str,
}

# Without an answer for so long the same is asked once more.
ASK_AGAIN_S = 5.0


class Asker:
    """Starts nodes and asks them what they declare."""

    def __init__(self):
        rclpy.init()
        self.node = rclpy.create_node("asker")

    def call(self, kind, name, request):
        client = self.node.create_client(kind, name)
        wait_until(client.service_is_ready, 30, lambda s: rclpy.spin_once(self.node, timeout_sec=s))
        # On a busy machine the middleware may not know the client yet when the answer goes out, and drops it.
        asked = []

        def answered():
            if not asked or time.monotonic() - asked[-1][0] > ASK_AGAIN_S:
                asked.append((time.monotonic(), client.call_async(request)))
            return next((future for _, future in asked if future.done()), None)

        return wait_until(answered, 30, lambda s: rclpy.spin_once(self.node, timeout_sec=s)).result()

    def declared(self, name):
        """Descriptors by name."""
        executable, file = NODES[name]
        command = [f"{BINARIES}/{executable}", "--ros-args", "-r", f"__node:={name}", "--params-file", f"config/panda/{file}", "-p", "autostart:=false"]
        process = subprocess.Popen(command, cwd=ROOT)
        try:
            names = self.call(ListParameters, f"/{name}/list_parameters", ListParameters.Request()).result.names
            told = self.call(DescribeParameters, f"/{name}/describe_parameters", DescribeParameters.Request(names=names)).descriptors
            return {descriptor.name: descriptor for descriptor in told}
        finally:
            process.terminate()
            process.wait(10)


def flat(tree, prefix=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def wrong(value, descriptor):
    """What is wrong with a value, if anything."""
    kind = TYPES.get(descriptor.type)
    if kind is None:  # arrays
        return None if isinstance(value, list) else "is no list"
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        return f"is a {type(value).__name__}"
    for bounds in [*descriptor.floating_point_range, *descriptor.integer_range]:
        if not bounds.from_value <= value <= bounds.to_value:
            return f"is outside {bounds.from_value} .. {bounds.to_value}"
    return None


def main():
    checks = Checks()
    asker = Asker()
    declared = {}
    for name in NODES:
        checks.run(f"{name} tells its parameters", lambda n=name: declared.update({n: asker.declared(n)}))
        undescribed = [p.name for p in declared.get(name, {}).values() if not p.description]
        checks.check(f"{name}: each of its parameters is described", not undescribed, undescribed)
    for name, (_, file) in NODES.items():
        for path in sorted((ROOT / "config").glob(f"*/{file}")):
            where = path.relative_to(ROOT)
            content = yaml.safe_load(path.read_text())
            checks.check(f"{where} addresses every node that reads it, in any namespace", list(content) == ["/**"], list(content))
            for key, value in flat(content["/**"]["ros__parameters"]):
                descriptor = declared[name].get(key)
                problem = "is no parameter" if descriptor is None else wrong(value, descriptor)
                checks.check(f"{where}: {key}", problem is None, problem)
    for path in sorted((ROOT / "launch").glob("*.yaml")):
        table = yaml.safe_load(path.read_text())
        entries = [(e["name"], e) for e in table["nodes"] if isinstance(e, dict)] + list(table.get("changes", {}).items())
        for name, entry in entries:
            if name not in NODES:
                continue
            unknown = [key for key in entry.get("parameters", {}) if key not in declared[name]]
            checks.check(f"{path.name}: parameters given to {name} exist", not unknown, unknown)
    checks.finish()


if __name__ == "__main__":
    main()
