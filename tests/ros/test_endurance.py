"""Minutes that stand for the hour after start: idle cost, flat memory, prompt cancels.

    cargo xtask test --only test_endurance        ENDURANCE_S=3600 lets it last an hour

The four nodes of a robot run as the launch table says, without a camera, against a driver that echoes
commands. A motion is asked for every few seconds; every third one is cancelled under way.
"""

import os
import tempfile
import time
from pathlib import Path

from nodes_of_a_robot import Client, end, start
from test_control_node import READY

from action_msgs.msg import GoalStatus
from checks import Checks
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState

DURATION_S = float(os.environ.get("ENDURANCE_S", 120.0))
IDLE_WINDOW_S = 20.0
# Shares of a core that an idle node may take.
IDLE = {"task": 0.03, "perception": 0.03, "move_group": 0.05, "control": 0.15}
CANCEL_MS = 20.0
# What an allocator may still gather after the first third; a leak of one message per cycle of the
# loop or per goal is far beyond it.
MEMORY_GROWTH_MB = 3.0


class Motions:
    """Motions there and back; every third one is cancelled as soon as the arm moves."""

    def __init__(self, client):
        self.client = client
        self.turn, self.cancel_ms, self.surprises = 0, [], []

    def one(self):
        client = self.client
        self.turn += 1
        target = list(READY)
        target[0] += 0.4 * (-1) ** self.turn
        handle = client.move_to(target)
        result = handle.get_result_async()
        is_cancelled = self.turn % 3 == 0
        if is_cancelled:

            def moves():
                """the arm moves"""
                assert not result.done(), result.result().result.error_code
                return client.speed() > 0.05

            client.spin_until(moves, 10)
            begun = time.monotonic()
            client.wait(handle.cancel_goal_async())
            self.cancel_ms.append(1e3 * (time.monotonic() - begun))
        end = client.wait(result)
        if end.status != (GoalStatus.STATUS_CANCELED if is_cancelled else GoalStatus.STATUS_SUCCEEDED):
            self.surprises.append(f"motion {self.turn}: status {end.status}, {end.result.error_code}")


def cpu_s(process):
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(process):
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def set_aside(client, name):
    """Deactivates a node that would give the arm motions of its own."""
    change = client.node.create_client(ChangeState, f"/{name}/change_state")
    client.spin_until(change.service_is_ready, 20)
    request = ChangeState.Request()
    request.transition.id = Transition.TRANSITION_DEACTIVATE
    assert client.wait(change.call_async(request)).success, "the transition was refused"


def idle_cost(client, checks, running):
    client.rest(5.0)
    before = {name: cpu_s(process) for name, process in running.items()}
    begun = time.monotonic()
    client.rest(IDLE_WINDOW_S)
    passed = time.monotonic() - begun
    for name, limit in IDLE.items():
        share = (cpu_s(running[name]) - before[name]) / passed
        checks.check(f"{name}, idle: {100 * share:.1f} % of a core, at most {100 * limit:.0f} %", share < limit)


def work(client, motions, running):
    """Motions for the whole time; memory after a third and at the end."""
    begun, early = time.monotonic(), None
    while time.monotonic() < begun + DURATION_S:
        motions.one()
        client.rest(0.5)
        if early is None and time.monotonic() > begun + DURATION_S / 3:
            early = {name: memory_mb(process) for name, process in running.items()}
    return early, {name: memory_mb(process) for name, process in running.items()}


def run(client, checks, running):
    for name in running:
        if not checks.run(f"{name} is active", client.is_active, name):
            return
    assert client.move.wait_for_server(timeout_sec=20), "no move_action"
    idle_cost(client, checks, running)
    checks.run("task is set aside", set_aside, client, "task")
    motions = Motions(client)
    early, late = work(client, motions, running)
    for name in running:
        grown = late[name] - early[name]
        checks.check(f"memory of {name}: {late[name]:.1f} MB, {grown:+.2f} MB in the last two thirds", grown < MEMORY_GROWTH_MB)
    ended_well = motions.turn > 5 and not motions.surprises
    checks.check(f"all {motions.turn} motions ended as asked for", ended_well, "; ".join(motions.surprises))
    # The median: this script shares the machine with what it measures.
    median = sorted(motions.cancel_ms)[len(motions.cancel_ms) // 2]
    checks.check(
        f"a cancel is answered in {median:.1f} ms (median of {len(motions.cancel_ms)}, at most {max(motions.cancel_ms):.1f} ms)",
        median < CANCEL_MS,
    )
    for name, process in running.items():
        checks.check(f"{name} lives", process.poll() is None)


def main():
    checks = Checks()
    client = Client("test_endurance")
    with tempfile.TemporaryDirectory() as folder:
        running = start(folder, ["control", "perception", "move_group", "task"])
        try:
            run(client, checks, running)
        finally:
            end(checks, folder, running)
    client.close()
    checks.finish()


if __name__ == "__main__":
    main()
