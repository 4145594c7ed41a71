"""Times our paths by TOPP-RA: a cubic spline through the waypoints, velocity and acceleration
limits, no jerk limits; the spline leaves the path and is not checked for collisions."""

import sys
import types

import exchange

# TOPP-RA imports what it draws with at once; nothing is drawn here, so the library is not brought.
for name in ("matplotlib", "matplotlib.pyplot"):
    sys.modules[name] = types.ModuleType(name)
toppra, algorithm, constraint = exchange.modules("toppra", "toppra.algorithm", "toppra.constraint")
import numpy as np  # noqa: E402


def main():
    toppra.setup_logging("ERROR")
    asked = exchange.request()
    velocity, acceleration = np.array(asked["velocity"]), np.array(asked["acceleration"])
    constraints = [
        constraint.JointVelocityConstraint(np.column_stack([-velocity, velocity])),
        constraint.JointAccelerationConstraint(np.column_stack([-acceleration, acceleration])),
    ]
    for problem in asked["problems"]:
        exchange.answer(time_path(problem, constraints))


def time_path(problem, constraints):
    line = exchange.head(problem)
    path = np.array(problem["path"])
    if len(path) < 2:
        return line | {"reason": "we found no path to time"}
    watch = exchange.Stopwatch()
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    spline = toppra.SplineInterpolator(lengths, path)
    timed = algorithm.TOPPRA(constraints, spline).compute_trajectory()
    if timed is None:
        return line | {"reason": "TOPP-RA found no timing"}
    return line | watch.fields("timing") | {"solved": True, "motion_duration_s": float(timed.duration)}


main()
