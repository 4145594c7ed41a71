"""Solves poses by RoboPlan's SimpleIk, with the options that were fastest of those that solve all."""

import exchange

(core, simple_ik) = exchange.modules("roboplan.core", "roboplan.simple_ik")
import numpy as np  # noqa: E402
import roboplan_scene  # noqa: E402


def main():
    asked = exchange.request()
    scene = roboplan_scene.Scene(core, asked)
    options = simple_ik.SimpleIkOptions(
        group_name=roboplan_scene.GROUP,
        max_iters=50,
        max_time=1.0,
        max_restarts=100,
        step_size=0.5,
        damping=1e-6,
        max_linear_error_norm=asked["tolerance"],
        max_angular_error_norm=asked["tolerance"],
        check_collisions=False,
    )
    solver = simple_ik.SimpleIk(scene.scene, options)
    best = [solve(scene, solver, task, asked) for task in asked["tasks"]]
    for _ in range(1, asked["rounds"]):
        for answer, task in zip(best, asked["tasks"]):
            answer["ns"] = min(answer["ns"], solve(scene, solver, task, asked)["ns"])
    for answer in best:
        exchange.answer(answer)


def solve(scene, solver, task, asked):
    matrix, seed = task
    tform = np.array(matrix, order="F")
    goal = core.CartesianConfiguration(asked["root"], asked["link"], tform)
    start, solution = scene.configuration(seed), scene.configuration(seed)
    solver.setRngSeed(asked["seed"])
    watch = exchange.Stopwatch()
    found = solver.solveIk(goal, start, solution)
    ns = watch.fields("ik")["ik_ns"]
    return {"q": [float(value) for value in solution.positions] if found else None, "ns": ns}


main()
