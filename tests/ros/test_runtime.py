"""The node runtime, by its shortest node and rclpy alone.

    cargo xtask exec -- python3 tests/ros/test_runtime.py [PATH/OF/minimal_node]

Lifecycle, parameters with ranges, actions both ways, a burst of 200, idle cost, clean ends.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

os.environ["ROS_DOMAIN_ID"] = os.environ.get("RUNTIME_TEST_DOMAIN", str(20 + os.getpid() % 40))

import rclpy
from action_msgs.msg import GoalInfo, GoalStatus
from action_msgs.srv import CancelGoal
from checks import Checks, wait_until
from control_msgs.action import GripperCommand
from lifecycle_msgs.msg import TransitionEvent
from lifecycle_msgs.srv import ChangeState, GetAvailableStates, GetAvailableTransitions, GetState
from rcl_interfaces.msg import Log, Parameter, ParameterEvent, ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters, SetParameters
from rclpy.action import ActionClient, ActionServer, CancelResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import String
from std_srvs.srv import Trigger

ROOT = Path(__file__).resolve().parents[2]


class Bench:
    """One node under test and what rclpy hears of it."""

    def __init__(self, binary):
        self.binary, self.process = binary, None
        rclpy.init()
        self.node = rclpy.create_node("bench")
        group = ReentrantCallbackGroup()
        self.transitions, self.logs, self.changes, self.feedback = [], [], [], []
        self.node.create_subscription(TransitionEvent, "minimal/transition_event", self.transitions.append, 10)
        self.node.create_subscription(ParameterEvent, "/parameter_events", self.changes.append, 100)
        latched = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.node.create_subscription(Log, "/rosout", self.logs.append, latched)
        self.burst = self.node.create_publisher(String, "burst", QoSProfile(depth=200))
        self.close = ActionClient(self.node, GripperCommand, "minimal/close", callback_group=group)
        self.cancel = self.node.create_client(CancelGoal, "minimal/close/_action/cancel_goal", callback_group=group)
        self.relayed, self.canceled = [], threading.Event()
        self.server = ActionServer(
            self.node, GripperCommand, "relayed", self.serve_relayed, callback_group=group,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
        )
        self.slow = False
        self.group, self.clients = group, {}
        self.executor = MultiThreadedExecutor(4)
        self.executor.add_node(self.node)
        threading.Thread(target=self.executor.spin, daemon=True).start()

    def serve_relayed(self, handle):
        self.relayed.append(handle.request.command.position)
        while self.slow and not handle.is_cancel_requested:
            time.sleep(0.02)
        if handle.is_cancel_requested:
            self.canceled.set()
            handle.canceled()
        else:
            handle.succeed()
        return GripperCommand.Result(position=handle.request.command.position)

    def start(self, *arguments):
        self.process = subprocess.Popen(
            [self.binary, *(["--ros-args", *arguments] if arguments else [])], stderr=subprocess.PIPE, text=True
        )
        self.errors = []
        threading.Thread(target=lambda p=self.process: self.errors.extend(p.stderr), daemon=True).start()

    def end(self, how=signal.SIGINT):
        begin = time.monotonic()
        self.process.send_signal(how)
        self.process.wait(5)
        return time.monotonic() - begin

    @staticmethod
    def wait(future, timeout_s=10.0):
        wait_until(future.done, timeout_s, period_s=0.001)
        return future.result()

    def call(self, kind, name, timeout_s=10.0, **fields):
        client = self.clients.get(name)
        if client is None:
            client = self.clients[name] = self.node.create_client(kind, name, callback_group=self.group)
        assert client.wait_for_service(timeout_s), f"no service {name}"
        return self.wait(client.call_async(kind.Request(**fields)), timeout_s)

    def change(self, identity):
        request = ChangeState.Request()
        request.transition.id = identity
        return self.call(ChangeState, "minimal/change_state", transition=request.transition).success

    def state(self):
        return self.call(GetState, "minimal/get_state").current_state.label

    def goal(self, width_m):
        assert self.close.wait_for_server(10)
        goal = GripperCommand.Goal()
        goal.command.position = width_m
        return self.wait(self.close.send_goal_async(goal, feedback_callback=self.feedback.append))

    def set(self, **values):
        parameters = []
        for name, value in values.items():
            kind = {bool: "bool", int: "integer", float: "double", str: "string"}[type(value)]
            number = getattr(ParameterType, f"PARAMETER_{kind.upper()}")
            parameters.append(Parameter(name=name, value=ParameterValue(type=number, **{f"{kind}_value": value})))
        return self.call(SetParameters, "minimal/set_parameters", parameters=parameters).results

    def cpu_s(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def lifecycle(bench):
    assert wait_until(lambda: bench.state() == "active", 10)
    assert not bench.change(1), "configure from active"
    for identity, label in [(4, "inactive"), (3, "active"), (4, "inactive"), (2, "unconfigured"), (1, "inactive"), (3, "active")]:
        bench.transitions.clear()
        assert bench.change(identity), f"transition {identity}"
        assert bench.state() == label
        wait_until(lambda: bench.transitions, 5)
        assert bench.transitions[0].goal_state.label == label
    states = {s.label for s in bench.call(GetAvailableStates, "minimal/get_available_states").available_states}
    assert {"unconfigured", "inactive", "active", "finalized"} <= states, states
    here = bench.call(GetAvailableTransitions, "minimal/get_available_transitions").available_transitions
    assert {t.transition.id for t in here} == {4, 7}
    graph = bench.call(GetAvailableTransitions, "minimal/get_transition_graph").available_transitions
    assert len(graph) == 7


def parameters(bench):
    names = set(bench.call(ListParameters, "minimal/list_parameters").result.names)
    assert names == {"speed_mps", "hand", "use_sim_time", "autostart"}, names
    speed = bench.call(DescribeParameters, "minimal/describe_parameters", names=["speed_mps"]).descriptors[0]
    assert speed.description.startswith("Speed of closing"), speed.description
    assert (speed.floating_point_range[0].from_value, speed.floating_point_range[0].to_value) == (0.001, 0.5)
    values = bench.call(GetParameters, "minimal/get_parameters", names=["speed_mps", "hand"]).values
    assert values[0].double_value == 0.2 and values[1].string_value == "left", values
    assert bench.set(speed_mps=0.4)[0].successful
    wait_until(lambda: any(c.node == "/minimal" and c.changed_parameters for c in bench.changes), 5)
    for change, word in [({"speed_mps": 0.6}, "outside"), ({"speed_mps": "fast"}, "double"), ({"spead": 1.0}, "no such"), ({"hand": "right"}, "at start")]:
        result = bench.set(**change)[0]
        assert not result.successful and word in result.reason, f"{change}: {result.successful} {result.reason!r}"
    values = bench.call(GetParameters, "minimal/get_parameters", names=["speed_mps"]).values
    assert values[0].double_value == 0.4


def goal_succeeds(bench):
    bench.feedback.clear()
    handle = bench.goal(0.04)
    assert handle.accepted and handle.stamp.sec > 0
    answer = bench.wait(handle.get_result_async())
    assert answer.status == GoalStatus.STATUS_SUCCEEDED and answer.result.reached_goal
    assert abs(answer.result.position - 0.04) < 1e-9
    assert len(bench.feedback) > 3
    again = bench.wait(handle.get_result_async())
    assert again.status == GoalStatus.STATUS_SUCCEEDED, "a result can be asked for twice"


def goal_rejected(bench):
    for width in (-0.1, float("nan"), 0.5):
        assert not bench.goal(width).accepted
    wait_until(lambda: any("goal rejected" in log.msg for log in bench.logs), 5)


def goal_canceled(bench):
    assert bench.set(speed_mps=0.001)[0].successful
    answered_ms = []
    for _ in range(5):
        handle = bench.goal(0.0)
        result = handle.get_result_async()
        begin = time.monotonic()
        cancel = bench.wait(handle.cancel_goal_async())
        answered_ms.append(1e3 * (time.monotonic() - begin))
        assert cancel.return_code == CancelGoal.Response.ERROR_NONE and len(cancel.goals_canceling) == 1
        assert bench.wait(result).status == GoalStatus.STATUS_CANCELED
        late = bench.wait(handle.cancel_goal_async())
        assert late.return_code == CancelGoal.Response.ERROR_GOAL_TERMINATED, late.return_code
    return f"cancel answered in {sorted(answered_ms)[2]:.1f} ms (median), {max(answered_ms):.1f} ms at most"


def cancel_all(bench):
    handles = [bench.goal(0.0) for _ in range(3)]
    results = [handle.get_result_async() for handle in handles]
    answer = bench.wait(bench.cancel.call_async(CancelGoal.Request()))
    assert len(answer.goals_canceling) == 3
    assert all(bench.wait(result).status == GoalStatus.STATUS_CANCELED for result in results)
    unknown = GoalInfo()
    unknown.goal_id.uuid = [7] * 16
    answer = bench.wait(bench.cancel.call_async(CancelGoal.Request(goal_info=unknown)))
    assert answer.return_code == CancelGoal.Response.ERROR_UNKNOWN_GOAL_ID
    request = GripperCommand.Impl.GetResultService.Request()
    request.goal_id.uuid = [7] * 16
    answer = bench.call(GripperCommand.Impl.GetResultService, "minimal/close/_action/get_result", goal_id=request.goal_id)
    assert answer.status == GoalStatus.STATUS_UNKNOWN
    assert bench.set(speed_mps=0.2)[0].successful


def client_of_rclpy(bench):
    bench.slow = False
    answer = bench.call(Trigger, "minimal/relay")
    assert answer.success and "Succeeded" in answer.message, answer.message
    assert bench.relayed[-1] == 0.01
    bench.slow = True
    answer = bench.call(Trigger, "minimal/relay")
    assert not answer.success and "Canceled" in answer.message, answer.message
    assert bench.canceled.wait(5), "the goal of a client out of patience runs on"


def burst(bench):
    wait_until(lambda: bench.burst.get_subscription_count() == 1, 10)
    before = int(bench.call(Trigger, "minimal/count").message)
    for _ in range(5):
        for index in range(200):
            bench.burst.publish(String(data=str(index)))
        time.sleep(1.0)
    got = int(bench.call(Trigger, "minimal/count").message) - before
    assert got == 1000, f"{got} of 1000"


def idle(bench):
    time.sleep(1.0)
    before = bench.cpu_s()
    time.sleep(12.0)
    share = (bench.cpu_s() - before) / 12.0
    assert share < 0.02, f"{100 * share:.1f} % of a core"
    return f"{100 * share:.1f} % of a core, 12 s after a goal has ended"


def interrupted_in_a_goal(bench):
    assert bench.set(speed_mps=0.001)[0].successful
    result = bench.goal(0.0).get_result_async()
    bench.slow = True
    bench.canceled.clear()
    count = len(bench.relayed)
    request = bench.clients["minimal/relay"].call_async(Trigger.Request())
    wait_until(lambda: len(bench.relayed) > count, 5)
    took_s = bench.end()
    assert bench.process.returncode == 0, f"exit code {bench.process.returncode}: {bench.errors[-3:]}"
    assert took_s < 1.0, f"{took_s:.2f} s"
    assert bench.canceled.wait(3), "a node that ends leaves its goal running elsewhere"
    request.cancel()
    result.cancel()
    return f"{took_s:.2f} s"


def terminated(bench):
    bench.slow = False
    bench.start("-r", "__ns:=/left", "-p", "autostart:=false")
    wait_until(lambda: ("minimal", "/left") in bench.node.get_node_names_and_namespaces(), 10)
    state = bench.call(GetState, "left/minimal/get_state").current_state.label
    assert state == "unconfigured", state
    took_s = bench.end(signal.SIGTERM)
    assert bench.process.returncode == 0 and took_s < 1.0, f"{bench.process.returncode} {took_s:.2f} s"


def panicked(bench):
    bench.start()
    assert wait_until(lambda: bench.state() == "active", 10)
    bench.call(Trigger, "minimal/fail")
    code = bench.process.wait(5)
    assert code == 101, f"exit code {code}"
    wait_until(lambda: any("panicked" in line for line in bench.errors), 2)


def bad_arguments(bench):
    for arguments, word in [
        (["-p", "speed_mps:=7.0"], "outside 0.001 .. 0.5"),
        (["-p", "speed_mps:=fast"], "is a double, not a string"),
        (["-p", "spead_mps:=0.1"], "no such parameter"),
        (["-r", "nonsense"], "--ros-args"),
    ]:
        bench.start(*arguments)
        code = bench.process.wait(10)
        time.sleep(0.1)
        told = "".join(bench.errors)
        assert code != 0 and word in told, f"{arguments}: exit code {code}, {told[-300:]!r}"


def main():
    nodes = Path(os.environ.get("PRAXIS_NODES", ROOT / "target/release"))
    binary = sys.argv[1] if len(sys.argv) > 1 else str(nodes / "examples/minimal_node")
    if not os.path.isfile(binary):
        sys.exit(f"{binary} is not built: cargo xtask test --only praxis_ros builds it\n0 passed, 1 failed")
    checks, bench = Checks(), Bench(binary)
    try:
        bench.start("-p", "speed_mps:=0.2")
        if checks.run("lifecycle by the standard services, with events", lifecycle, bench):
            checks.run("parameters: descriptions, ranges, refusals with reasons, events", parameters, bench)
            checks.run("a goal is accepted, tells feedback and succeeds", goal_succeeds, bench)
            checks.run("goals that make no sense are rejected, the log says why", goal_rejected, bench)
            checks.run("a goal is cancelled", goal_canceled, bench)
            checks.run("all goals are cancelled at once; unknown ones are told so", cancel_all, bench)
            checks.run("the action client runs and cancels goals of an rclpy server", client_of_rclpy, bench)
            checks.run("five bursts of 200 on a topic of depth 200 arrive whole", burst, bench)
            checks.run("an idle node sleeps", idle, bench)
            checks.run("SIGINT during a goal: a clean end, own goals elsewhere are cancelled", interrupted_in_a_goal, bench)
            checks.run("namespace, no autostart, SIGTERM", terminated, bench)
            checks.run("a panic in a thread ends the node with an error", panicked, bench)
        checks.run("bad arguments end the start and are told", bad_arguments, bench)
    finally:
        if bench.process and bench.process.poll() is None:
            bench.process.kill()
    sys.stdout.flush()
    code = 0 if checks.failed == 0 and checks.passed > 0 else 1
    print(f"{checks.passed} passed, {checks.failed} failed", flush=True)
    os._exit(code)  # threads of the executor may still wait for servers that are gone


if __name__ == "__main__":
    main()
