"""A clean workspace builds the ament package with `colcon build`, and its installed nodes start from its installed launch files.

    cargo xtask test --only colcon

ROS, colcon, ament_cmake and the launch implementation (play_launch) come from packages. What cargo built of
other people's crates in this checkout is taken over, if it is there; nothing is fetched by cargo.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import time

import rclpy
from checks import Checks, wait_until
from code_constants import ROOT
from lifecycle_msgs.srv import GetState
from moveit_msgs.srv import QueryPlannerInterfaces

BROUGHT = pathlib.Path(os.environ["PRAXIS_BROUGHT"])
COLCON = BROUGHT / "colcon"
WORKSPACE = ROOT / "target/colcon"
INSTALLED = WORKSPACE / "install/praxis"
PROGRAMS = ("perception_node", "planning_node", "control_node", "task_node", "sim_node", "praxis")


def workspace():
    """The files that git knows, in a workspace of their own."""
    shutil.rmtree(WORKSPACE, ignore_errors=True)
    source = WORKSPACE / "src/praxis"
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    (source / ".ros").symlink_to(BROUGHT)
    if (ROOT / "target/ros").is_dir():
        (source / "target").mkdir()
        subprocess.run(["cp", "-a", "--reflink=auto", ROOT / "target/ros", source / "target/ros"], check=True)
        # Ours are built anew: their fingerprints name another folder.
        for own in (source / "target/ros/release").glob("*_node"):
            own.unlink()


def build():
    python = next((COLCON / "lib").glob("python3.*")).name
    environment = os.environ | {
        "PATH": f"{COLCON}/bin:{os.environ['PATH']}",
        "AMENT_PREFIX_PATH": str(COLCON),
        "CMAKE_PREFIX_PATH": str(COLCON),
        "PYTHONPATH": f"{COLCON}/lib/{python}/site-packages",
        "CARGO_NET_OFFLINE": "true",
    }
    done = subprocess.run(["colcon", "build", "--packages-select", "praxis", "--event-handlers", "console_direct+"], cwd=WORKSPACE, env=environment)
    assert done.returncode == 0, f"colcon ended with {done.returncode}"


def launched():
    """The installed package's launch file, run by play_launch as `ros2 launch` would."""
    package = next((COLCON / "lib").glob("python3.*/site-packages/play_launch"))
    environment = os.environ | {
        "AMENT_PREFIX_PATH": f"{INSTALLED}:{os.environ['AMENT_PREFIX_PATH']}",
        "LD_LIBRARY_PATH": f"{os.environ['LD_LIBRARY_PATH']}:{COLCON}/overlay/lib:{package}/lib",
    }
    command = [package / "bin/play_launch", "launch", "praxis", "planning_only.launch.py", "sim:=embedded", "use_sim_time:=true"]
    return subprocess.Popen([str(word) for word in command], cwd=INSTALLED / "share/praxis", env=environment, start_new_session=True)


def running():
    """Processes of the installed nodes."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/exe"):
        try:
            found += [entry] if entry.readlink().is_relative_to(INSTALLED) else []
        except OSError:
            pass  # it has just ended, or is another user's
    return found


def main():
    checks = Checks()
    workspace()
    if not checks.run("colcon build of a clean workspace, cargo offline", build):
        checks.finish()
    for program in PROGRAMS:
        path = INSTALLED / "lib/praxis" / program
        checks.check(f"lib/praxis/{program} is installed", path.is_file() and os.access(path, os.X_OK))
    share = INSTALLED / "share/praxis"
    for name in ("package.xml", "launch/sort_table.launch.py", "launch/table.py", "config/panda/control.yaml", "models/worlds/sort_table.yaml", "praxis.bash"):
        checks.check(f"share/praxis/{name} is installed", (share / name).is_file())
    checks.check("the manual page is installed", (INSTALLED / "share/man/man1/praxis.1").is_file())
    checks.check("the ament index knows the package", (INSTALLED / "share/ament_index/resource_index/packages/praxis").is_file())
    doctor = subprocess.run([INSTALLED / "lib/praxis/praxis", "doctor", "panda"], cwd=share, capture_output=True, text=True)
    checks.check("the installed `praxis doctor panda` finds nothing wrong", doctor.returncode == 0, doctor.stdout + doctor.stderr)

    rclpy.init()
    node = rclpy.create_node("watcher")
    process = launched()
    try:
        for name in ("sim", "control", "move_group"):
            client = node.create_client(GetState, f"/{name}/get_state")

            def is_active(client=client):
                """active"""
                if not client.service_is_ready():
                    return False
                future = client.call_async(GetState.Request())
                rclpy.spin_until_future_complete(node, future, timeout_sec=2)
                return future.done() and future.result() and future.result().current_state.label == "active"

            checks.run(f"the installed {name} starts from the installed launch file", lambda c=is_active: wait_until(c, 120, lambda s: rclpy.spin_once(node, timeout_sec=s)) and None)
        client = node.create_client(QueryPlannerInterfaces, "/query_planner_interface")
        future = client.call_async(QueryPlannerInterfaces.Request())
        rclpy.spin_until_future_complete(node, future, timeout_sec=20)
        checks.check("its move_group answers", future.done() and future.result().planner_interfaces)
        checks.check("they run from the install folder", len(running()) == 3, running())
    finally:
        os.killpg(process.pid, signal.SIGINT)
        deadline = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    time.sleep(1)
    checks.check("all of them end with it", not running(), running())
    checks.finish()


if __name__ == "__main__":
    main()
