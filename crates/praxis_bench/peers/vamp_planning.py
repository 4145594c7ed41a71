"""Plans by VAMP's RRT-Connect and simplifies, in the robots that VAMP has built in."""

import exchange

(vamp,) = exchange.modules("vamp")
import numpy as np  # noqa: E402


def main():
    asked = exchange.request()
    robot, planner, settings, simplification = vamp.configure_robot_and_planner_with_kwargs(
        asked["robot"], "rrtc"
    )
    sampler = robot.halton()
    for problem in asked["problems"]:
        environment = environment_of(problem["obstacles"])
        sampler.reset()
        exchange.answer(solve(robot, planner, settings, simplification, sampler, problem, environment))


def solve(robot, planner, settings, simplification, sampler, problem, environment):
    line = exchange.head(problem)
    found = planner(problem["start"], problem["goals"], environment, settings, sampler)
    line["plan_ns"] = int(found.nanoseconds)
    if not found.solved:
        return line | {"reason": "VAMP found no path"}
    short = robot.simplify(found.path, environment, simplification, sampler)
    line["simplify_ns"] = int(short.nanoseconds)
    paths = {"path_initial": exchange.rows(found.path.numpy()), "path": exchange.rows(short.path.numpy())}
    return line | {"solved": True} | paths


def environment_of(obstacles):
    environment = vamp.Environment()
    for ball in obstacles["spheres"]:
        environment.add_sphere(vamp.Sphere(ball["center"], ball["radius"]))
    for rod in obstacles["capsules"]:
        a, b = np.array(rod["a"]), np.array(rod["b"])
        way = b - a
        center, length = list(0.5 * (a + b)), float(np.linalg.norm(way))
        turn = [0.0, float(np.arctan2(np.hypot(way[0], way[1]), way[2])), float(np.arctan2(way[1], way[0]))]
        environment.add_capsule(vamp.Cylinder(center, turn, rod["radius"], length))
    for block in obstacles["cuboids"]:
        turn = fixed_angles(np.array(block["axes"]).T)
        environment.add_cuboid(vamp.Cuboid(block["center"], turn, block["half_extents"]))
    return environment


def fixed_angles(rotation):
    """Angles about fixed x, y and z, in this order."""
    pitch = np.arctan2(-rotation[2, 0], np.hypot(rotation[0, 0], rotation[1, 0]))
    roll = np.arctan2(rotation[2, 1], rotation[2, 2])
    yaw = np.arctan2(rotation[1, 0], rotation[0, 0])
    return [float(roll), float(pitch), float(yaw)]


main()
