"""50 stops, cancels and emergency stops at random moments of random motions, through ROS.

  cargo xtask exec -- python3 tests/ros/stop_at_random_moments.py [--runs N] [--seed N]

Each must be at rest within the braking time that the limits give, two loop periods and 50 ms; every
command within position, velocity, acceleration and jerk limits; and nothing moves afterwards.
"""

import argparse
import os
import random
import sys
import tempfile
import time

import test_control_node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState
from checks import wait_until
from test_control_node import ARM, READY, ROOT, Bench

ACCELERATION, JERK = 7.5, 375.0
VELOCITY = [2.175] * 4 + [2.61] * 3
LOW = [-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973]
HIGH = [2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973]
THROUGH_ROS_S = 0.05
PERIOD_S = 0.002
TOLERANCE = 1.01
SLOW = 0.005  # rad/s: below, positions do not tell how many periods lie between two commands


def braking_s(velocity, acceleration):
    """The shortest stop of one joint: ramp to a peak, hold it, ramp out."""
    left = velocity + acceleration * abs(acceleration) / (2 * JERK)
    sign = -1.0 if left > 0 else 1.0
    a, rise = sign * acceleration, -sign * velocity
    peak = min(max(JERK * rise + 0.5 * a * a, 0.0) ** 0.5, ACCELERATION)
    ramp = abs(peak - a) / JERK
    gained = 0.5 * (a + peak) * ramp + 0.5 * peak * peak / JERK
    hold = max((rise - gained) / peak, 0.0) if peak > 0 else 0.0
    return ramp + hold + peak / JERK


class Record:
    """Every command that came over the wire: (seconds, positions, velocities)."""

    def __init__(self, node):
        self.commands = []
        node.create_subscription(JointState, "joint_commands", self.take, QoSProfile(depth=2000))

    def take(self, message):
        stamp = message.header.stamp
        self.commands.append((stamp.sec + 1e-9 * stamp.nanosec, message.position[:7], message.velocity[:7]))


def periods_between(last, command):
    """Loop periods from one command to the next: the step of positions over the mean of velocities, or what stamps say."""
    mean = [0.5 * (a + b) for a, b in zip(last[2], command[2])]
    if max(map(abs, mean)) < SLOW:
        return max(1, round((command[0] - last[0]) / PERIOD_S))
    step_s = sum(v * (b - a) for v, a, b in zip(mean, last[1], command[1])) / sum(v * v for v in mean)
    return max(1, round(step_s / PERIOD_S))


def highest_shares(commands):
    """Largest share of the limits of velocity, acceleration and jerk, and largest jump of a position, rad."""
    velocity = acceleration = jerk = jump = 0.0
    before = None  # accelerations over the step before, and its length
    for last, command in zip(commands, commands[1:]):
        step_s = PERIOD_S * periods_between(last, command)
        now = [(b - a) / step_s for a, b in zip(last[2], command[2])]
        velocity = max(velocity, max(abs(v) / limit for v, limit in zip(command[2], VELOCITY)))
        acceleration = max(acceleration, max(map(abs, now)) / ACCELERATION)
        led = [0.5 * step_s * (a + b) for a, b in zip(last[2], command[2])]
        # What is left is of third order in the step.
        beyond = JERK * step_s ** 3 / 12
        jump = max(jump, max(abs(b - a - way) - beyond for a, b, way in zip(last[1], command[1], led)))
        if before:
            middle_s = 0.5 * (before[1] + step_s)
            jerk = max(jerk, max(abs(b - a) for a, b in zip(before[0], now)) / middle_s / JERK)
        before = (now, step_s)
    return velocity, acceleration, jerk, jump


def one(bench, rng, kind):
    pose = [max(low + 0.1, min(high - 0.1, p + rng.uniform(-0.5, 0.5))) for p, low, high in zip(READY, LOW, HIGH)]

    def there(goal):
        goal.trajectory.points[0].positions = pose
    handle = bench.send(bench.goal(0.0, rng.uniform(0.8, 2.0), None, there))
    time.sleep(rng.uniform(0.05, 0.7))
    # The worst that a joint can need: the acceleration at this moment is not known here.
    bound_s = max(max(braking_s(v, a) for a in (-ACCELERATION, 0.0, ACCELERATION)) for v in bench.driver.velocity)
    was_moving = max(abs(v) for v in bench.driver.velocity) > 0.05
    bench.driver.commands.clear()
    begin = time.monotonic()
    if kind == "cancel":
        bench.ask(handle.cancel_goal_async)
    elif kind == "stop":
        assert bench.call("control/stop").success
    else:
        bench.e_stop.publish(test_control_node.Bool(data=True))
    wait_until(lambda: bench.driver.commands and max(abs(v) for v in bench.driver.commands[-1][3]) < 1e-9, 5, period_s=0.001)
    moving = [command for command in bench.driver.commands if max(abs(v) for v in command[3]) >= 1e-9]
    rest_s = moving[-1][0] - begin if moving else 0.0
    for _, _, position, _ in bench.driver.commands:
        for joint in range(7):
            assert LOW[joint] - 1e-6 <= position[joint] <= HIGH[joint] + 1e-6, f"{ARM[joint]} at {position[joint]}"
    moved = bench.driver.moved_within(0.3)
    assert moved < 1e-9, f"moved {moved} after the {kind}"
    bench.result(handle)
    if kind == "e_stop":
        assert bench.call("control/reset").success
        time.sleep(0.1)
    return rest_s, bound_s, was_moving


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("binary", nargs="?", default=os.path.join(os.environ.get("PRAXIS_NODES", os.path.join(ROOT, "target/ros/release")), "control_node"))
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    late, overs = 0, []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments.binary, folder)
        record = Record(bench.node)
        try:
            bench.start()
            wait_until(lambda: bench.driver.commands, 20)
            time.sleep(1.0)
            moving = 0
            for run in range(arguments.runs):
                kind = ("cancel", "stop", "e_stop")[run % 3]
                rest_s, bound_s, was_moving = one(bench, rng, kind)
                moving += was_moving
                over_ms = 1e3 * (rest_s - bound_s - 2 * PERIOD_S)
                overs.append(over_ms)
                late += over_ms > 1e3 * THROUGH_ROS_S
                test_control_node.return_to_ready(bench)
            bench.stop()
        finally:
            bench.close()
    overs.sort()
    velocity, acceleration, jerk, jump = highest_shares(record.commands)
    # Of slow commands only the stamps tell how far apart they are.
    within = max(velocity, acceleration, jerk) <= TOLERANCE and jump < 2 * SLOW * PERIOD_S
    print(
        f"{len(record.commands)} commands: at most {velocity:.3f} of the velocity, {acceleration:.3f} of the acceleration, "
        f"{jerk:.3f} of the jerk limits, positions at most {jump:.1e} rad off their velocities"
    )
    print(f"{arguments.runs} runs, {moving} in motion; over the braking time + 2 periods: median {overs[len(overs) // 2]:.1f} ms, most {overs[-1]:.1f} ms")
    print(f"{arguments.runs - late} passed, {late} failed")
    sys.exit(1 if late or not within or moving < arguments.runs // 2 else 0)


if __name__ == "__main__":
    main()
