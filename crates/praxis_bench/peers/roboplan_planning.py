"""Plans by RoboPlan's RRT-Connect and shortens by its shortcuts, with its own defaults."""

import exchange

core, rrt = exchange.modules("roboplan.core", "roboplan.rrt")
import roboplan_scene  # noqa: E402  (needs what was just found)


def main():
    asked = exchange.request()
    scene = roboplan_scene.Scene(core, asked)
    options = rrt.RRTOptions(
        group_name=roboplan_scene.GROUP,
        rrt_connect=True,
        max_nodes=100_000,
        max_planning_time=asked["time_limit_s"],
    )
    shortcuts = core.PathShortcuttingOptions(group_name=roboplan_scene.GROUP, seed=asked["seed"])
    for problem in asked["problems"]:
        exchange.answer(solve(scene, options, shortcuts, problem, asked["seed"]))


def solve(scene, options, shortcuts, problem, seed):
    line = exchange.head(problem)
    scene.place(problem["obstacles"])
    start, goal = scene.configuration(problem["start"]), scene.configuration(problem["goals"][0])
    watch = exchange.Stopwatch()
    try:
        planner = rrt.RRT(scene.scene, options)
        planner.setRngSeed(seed)
        found = planner.plan(start, goal)
    except RuntimeError as error:
        line.update(watch.fields("plan"), reason=str(error))
        return line
    line.update(watch.fields("plan"), solved=True, path_initial=exchange.rows(found.positions))
    watch = exchange.Stopwatch()
    short = core.PathShortcutter(scene.scene, shortcuts).shortcut(found)
    line.update(watch.fields("simplify"), path=exchange.rows(short.positions))
    return line


main()
