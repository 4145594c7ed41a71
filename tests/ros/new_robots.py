"""`praxis new-robot` on robots that nobody configured by hand, and the reach scenario with each configuration.

    cargo xtask test --only new_robots          (or beside a set-up: python3 tests/ros/new_robots.py [NAME ...])

Each robot gets a configuration from its URDF alone and reaches 20 random poses among its obstacles: judged by the
simulator's ground truth, no forbidden contact, no limit violation. The test ends with the fifth that does; all that are
named are tried. PRAXIS_REAL_TIME_FACTOR=0.3 slows the simulator on
a machine that is busy with other work.
"""

import json
import os
import pathlib
import subprocess
import sys

from checks import Checks
from code_constants import ROOT

ROBOTS = pathlib.Path(os.environ["PRAXIS_BROUGHT"]) / "robot_packages/share/example-robot-data/robots"
PRAXIS = pathlib.Path(os.environ.get("PRAXIS_NODES", ROOT / "target/ros/release")) / "praxis"
# Name and URDF.
URDFS = {
    "ur10": "ur_description/urdf/ur10_robot.urdf",
    "ur3": "ur_description/urdf/ur3_robot.urdf",
    "so100": "so_arm_description/urdf/so100.urdf",
    "z1": "z1_description/urdf/z1.urdf",
    "kinova": "kinova_description/robots/kinova.urdf",
    "ur10_limited": "ur_description/urdf/ur10_joint_limited_robot.urdf",
    "talos_arm": "talos_data/robots/talos_left_arm.urdf",
}
AT_LEAST = 5


def configured(name, folder):
    command = [str(PRAXIS), "new-robot", str(ROBOTS / URDFS[name]), "--out", str(folder), "--force"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (folder / "home.png").is_file() and (folder / "report.md").is_file()


def reached(name, folder):
    figures = folder / "figures.json"
    figures.unlink(missing_ok=True)
    command = [os.environ["PRAXIS_XTASK"], "demo", "--scenario", "reach", "--robot", str(folder), "--headless", "--record", str(folder / "record"), "--json", str(figures)]
    if factor := os.environ.get("PRAXIS_REAL_TIME_FACTOR"):
        command += ["--", f"real_time_factor:={factor}"]
    done = subprocess.run(command, cwd=ROOT)
    told = json.loads(figures.read_text())
    run = told["launches"][0]
    summary = f"{told['placed']} of {told['total']} poses, {told['forbidden_contacts']} contacts, {told['limit_violations']} violations, {told['duration_s']:.0f} s"
    assert done.returncode == 0 and told["total"] == 20, f"{summary} {run.get('contacts', [])[:3]} {run.get('violations', [])[:3]}"
    return summary


def main():
    checks = Checks()
    chosen = sys.argv[1:] or list(URDFS)
    succeeded = 0
    wanted = min(AT_LEAST, len(chosen))
    for name in chosen:
        if succeeded == wanted and not sys.argv[1:]:
            break
        folder = ROOT / "target/new_robots" / name
        if checks.run(f"praxis new-robot writes a configuration for {name}", configured, name, folder):
            try:
                print(f"ok      {name} reaches {reached(name, folder)}", flush=True)
                succeeded += 1
            except Exception as error:  # told, and counted below
                print(f"        {name} does not: {error}", flush=True)
    checks.check(f"{succeeded} robots reach all poses, at least {wanted}", succeeded >= wanted)
    checks.finish()


if __name__ == "__main__":
    main()
