"""Plans by OMPL's RRT-Connect and shortens by its path simplifier.

OMPL has no collision checks of its own: it asks RoboPlan's, through Python, every 1/32 rad. So the
costs can be compared; the times are those of the checks and of the way to them.
"""

import exchange

core, ob, og, util = exchange.modules("roboplan.core", "ompl.base", "ompl.geometric", "ompl.util")
import numpy as np  # noqa: E402
import roboplan_scene  # noqa: E402

SPACING_RAD = 1.0 / 32.0


def main():
    asked = exchange.request()
    util.setLogLevel(util.LogLevel.LOG_ERROR)
    util.RNG.setSeed(asked["seed"])
    scene = roboplan_scene.Scene(core, asked)
    for problem in asked["problems"]:
        exchange.answer(solve(scene, problem, asked))


def solve(scene, problem, asked):
    line = exchange.head(problem)
    scene.place(problem["obstacles"])
    watch = exchange.Stopwatch()
    setup = prepared(scene, problem, asked)
    setup.solve(asked["time_limit_s"])
    line.update(watch.fields("plan"))
    if not setup.haveExactSolutionPath():
        line["reason"] = "no exact path within the time limit"
        return line
    dim = len(asked["joints"])
    path = setup.getSolutionPath()
    line.update(solved=True, path_initial=waypoints(path, dim))
    watch = exchange.Stopwatch()
    setup.simplifySolution()
    line.update(watch.fields("simplify"))
    line["path"] = waypoints(setup.getSolutionPath(), dim)
    return line


def prepared(scene, problem, asked):
    dim = len(asked["joints"])
    space = ob.RealVectorStateSpace(dim)
    bounds = ob.RealVectorBounds(dim)
    for joint in range(dim):
        bounds.setLow(joint, asked["lower"][joint])
        bounds.setHigh(joint, asked["upper"][joint])
    space.setBounds(bounds)
    space.setLongestValidSegmentFraction(SPACING_RAD / space.getMaximumExtent())
    setup = og.SimpleSetup(space)
    indices = scene.scene.getJointGroupInfo(roboplan_scene.GROUP).q_indices
    full = np.array(scene.scene.getCurrentJointPositions())

    def is_valid(state):
        full[indices] = [state[joint] for joint in range(dim)]
        return not scene.scene.hasCollisions(full)

    setup.setStateValidityChecker(is_valid)
    setup.setStartAndGoalStates(state_at(space, problem["start"]), state_at(space, problem["goals"][0]))
    setup.setPlanner(og.RRTConnect(setup.getSpaceInformation()))
    return setup


def state_at(space, q):
    state = space.allocState()
    for joint, value in enumerate(q):
        state[joint] = value
    return state


def waypoints(path, dim):
    return [[state[joint] for joint in range(dim)] for state in path.getStates()]


main()
