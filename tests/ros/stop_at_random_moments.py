"""50 stops, cancels and emergency stops at random moments of random motions, through ROS.

  cargo xtask exec -- python3 tests/ros/stop_at_random_moments.py [--runs N] [--seed N]

Each must be at rest within the braking time that the limits give, two loop periods and 50 ms; every
command within position and velocity limits; and nothing moves afterwards.
"""

import argparse
import os
import random
import sys
import tempfile
import time

import test_control_node
from checks import wait_until
from test_control_node import ARM, READY, ROOT, Bench

ACCELERATION, JERK = 7.5, 375.0
VELOCITY = [2.175] * 4 + [2.61] * 3
LOW = [-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973]
HIGH = [2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973]
THROUGH_ROS_S = 0.05
PERIOD_S = 0.002


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
    for _, _, position, velocity in bench.driver.commands:
        for joint in range(7):
            assert LOW[joint] - 1e-6 <= position[joint] <= HIGH[joint] + 1e-6, f"{ARM[joint]} at {position[joint]}"
            assert abs(velocity[joint]) <= VELOCITY[joint] + 1e-6, f"{ARM[joint]} at {velocity[joint]} rad/s"
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
    print(f"{arguments.runs} runs, {moving} in motion; over the braking time + 2 periods: median {overs[len(overs) // 2]:.1f} ms, most {overs[-1]:.1f} ms")
    print(f"{arguments.runs - late} passed, {late} failed")
    sys.exit(1 if late or moving < arguments.runs // 2 else 0)


if __name__ == "__main__":
    main()
