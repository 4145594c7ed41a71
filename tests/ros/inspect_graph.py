"""What any ROS 2 user sees of a running Praxis graph, by rclpy alone.

Run it beside `cargo xtask demo` (same domain):  cargo xtask exec -- python3 tests/ros/inspect_graph.py
With `--move` it also deactivates the task node, sends a FollowJointTrajectory goal, cancels it,
watches the arm stop, and lets the task go on.
"""

import argparse
import time

import rclpy
from action_msgs.msg import GoalStatus
from checks import Checks, wait_until
from control_msgs.action import FollowJointTrajectory
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters, SetParameters
from rclpy.action import ActionClient
from rclpy.duration import Duration
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import Image, JointState
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectoryPoint

NODES = ["perception", "move_group", "control", "task", "sim"]
ARM = [f"panda_joint{k}" for k in range(1, 8)]

RELIABLE, BEST_EFFORT = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT
LATCHED = DurabilityPolicy.TRANSIENT_LOCAL
TOPICS = {  # topic: (publisher, type, reliability, latched)
    "/camera/color/image_raw": ("sim", "sensor_msgs/msg/Image", RELIABLE, False),
    "/camera/depth/image_raw": ("sim", "sensor_msgs/msg/Image", RELIABLE, False),
    "/camera/color/camera_info": ("sim", "sensor_msgs/msg/CameraInfo", RELIABLE, False),
    "/joint_states": ("sim", "sensor_msgs/msg/JointState", RELIABLE, False),
    "/robot_description": ("sim", "std_msgs/msg/String", RELIABLE, True),
    "/robot_description_semantic": ("move_group", "std_msgs/msg/String", RELIABLE, True),
    "/perception/objects": ("perception", "vision_msgs/msg/Detection3DArray", RELIABLE, False),
    "/perception/obstacles": ("perception", "sensor_msgs/msg/PointCloud2", RELIABLE, False),
    "/perception/markers": ("perception", "visualization_msgs/msg/MarkerArray", RELIABLE, False),
    "/perception/annotated": ("perception", "sensor_msgs/msg/Image", RELIABLE, False),
    "/monitored_planning_scene": ("move_group", "moveit_msgs/msg/PlanningScene", RELIABLE, False),
    "/display_planned_path": ("move_group", "moveit_msgs/msg/DisplayTrajectory", RELIABLE, False),
    "/joint_commands": ("control", "sensor_msgs/msg/JointState", RELIABLE, False),
    "/control/state": ("control", "control_msgs/msg/JointTrajectoryControllerState", RELIABLE, False),
    "/tf_static": ("sim", "tf2_msgs/msg/TFMessage", RELIABLE, True),
    "/clock": ("sim", "rosgraph_msgs/msg/Clock", None, False),
}
SERVICES = {
    "/control/stop": "std_srvs/srv/Trigger",
    "/control/reset": "std_srvs/srv/Trigger",
    "/task/run": "std_srvs/srv/Trigger",
    "/plan_kinematic_path": "moveit_msgs/srv/GetMotionPlan",
    "/compute_cartesian_path": "moveit_msgs/srv/GetCartesianPath",
    "/compute_ik": "moveit_msgs/srv/GetPositionIK",
    "/compute_fk": "moveit_msgs/srv/GetPositionFK",
    "/get_planning_scene": "moveit_msgs/srv/GetPlanningScene",
    "/apply_planning_scene": "moveit_msgs/srv/ApplyPlanningScene",
}
ACTIONS = ["/move_action", "/execute_trajectory", "/follow_joint_trajectory", "/gripper_action_controller/gripper_cmd"]


class Inspector:
    def __init__(self):
        self.node = rclpy.create_node("inspect_graph")
        self.latest = {}

    def listen(self, topic, kind, qos):
        """Keeps the newest message of a topic."""
        return self.node.create_subscription(kind, topic, lambda m: self.latest.__setitem__(topic, m), qos)

    def spin(self, seconds):
        rclpy.spin_once(self.node, timeout_sec=seconds)

    def wait(self, condition, timeout_s=10.0):
        return wait_until(condition, timeout_s, self.spin)

    def future(self, future, timeout_s=10.0):
        rclpy.spin_until_future_complete(self.node, future, timeout_sec=timeout_s)
        assert future.done(), f"no answer within {timeout_s} s"
        return future.result()

    def call(self, kind, name, request, timeout_s=10.0):
        client = self.node.create_client(kind, name)
        assert client.wait_for_service(timeout_sec=timeout_s), f"no service {name}"
        answer = self.future(client.call_async(request), timeout_s)
        self.node.destroy_client(client)
        return answer


def see_node(inspector, name):
    inspector.wait(lambda: ("/" + name) in [f"{ns.rstrip('/')}/{n}" for n, ns in inspector.node.get_node_names_and_namespaces()], 20)


def see_topic(inspector, topic, publisher, kind, reliability, latched):
    def info():
        found = [i for i in inspector.node.get_publishers_info_by_topic(topic) if i.node_name == publisher]
        return found and found[0]

    seen = inspector.wait(info, 20)
    assert seen.topic_type == kind, f"type is {seen.topic_type}"
    if reliability is not None:
        assert seen.qos_profile.reliability == reliability, f"reliability is {seen.qos_profile.reliability}"
    is_latched = seen.qos_profile.durability == LATCHED
    assert is_latched == latched, f"durability is {seen.qos_profile.durability}"


def see_service(inspector, name, kind):
    services = dict(inspector.wait(lambda: name in dict(inspector.node.get_service_names_and_types()) and inspector.node.get_service_names_and_types()))
    assert services[name] == [kind], f"type is {services[name]}"


def see_action(inspector, name):
    inspector.wait(lambda: f"{name}/_action/status" in dict(inspector.node.get_topic_names_and_types()))


def is_active(inspector, name):
    state = inspector.call(GetState, f"/{name}/get_state", GetState.Request()).current_state
    assert state.id == State.PRIMARY_STATE_ACTIVE, f"state is {state.label}"


def parameters_have_ranges(inspector, name):
    names = inspector.call(ListParameters, f"/{name}/list_parameters", ListParameters.Request()).result.names
    assert "use_sim_time" in names, f"no use_sim_time in {names}"
    request = DescribeParameters.Request(names=names)
    descriptors = inspector.call(DescribeParameters, f"/{name}/describe_parameters", request).descriptors
    own = [d for d in descriptors if d.name not in ("use_sim_time", "autostart")]
    bare = [d.name for d in own if not d.description]
    assert not bare, f"without a description: {bare}"
    ranged = [d for d in descriptors if d.floating_point_range or d.integer_range]
    assert ranged, "no parameter has a range"
    values = inspector.call(GetParameters, f"/{name}/get_parameters", GetParameters.Request(names=names)).values
    assert len(values) == len(names)
    worst = ranged[0]
    is_real = bool(worst.floating_point_range)
    limit = (worst.floating_point_range or worst.integer_range)[0].to_value
    beyond = limit * 2.0 + 1.0 if is_real else int(limit) + 1
    parameter = Parameter(worst.name, value=beyond).to_parameter_msg()
    result = inspector.call(SetParameters, f"/{name}/set_parameters", SetParameters.Request(parameters=[parameter])).results[0]
    assert not result.successful and result.reason, f"{worst.name} = {beyond} was taken"
    return f"{len(names)} parameters, {len(ranged)} with a range; refused: {result.reason}"


def diagnostics_come_from(inspector, names):
    seen = {}

    def all_seen():
        message = inspector.latest.get("/diagnostics")
        if message:
            for status in message.status:
                for name in names:
                    if status.name.strip("/").startswith(name) or status.hardware_id.strip("/") == name:
                        seen[name] = len(status.values)
        return set(seen) == set(names) and seen

    try:
        inspector.wait(all_seen, 10)
    except AssertionError:
        raise AssertionError(f"only from {sorted(seen)}") from None


def tf_tree_is_connected(inspector, parents, child, root):
    def connected():
        for topic in ("/tf", "/tf_static"):
            for t in getattr(inspector.latest.get(topic), "transforms", []):
                parents[t.child_frame_id] = t.header.frame_id
        frame, steps = child, 0
        while frame in parents and steps < 50:
            frame, steps = parents[frame], steps + 1
        return frame == root

    inspector.wait(connected, 10)


def images_arrive(inspector):
    image = inspector.wait(lambda: inspector.latest.get("/camera/color/image_raw"), 10)
    assert image.encoding == "rgb8" and len(image.data) == image.step * image.height, image.encoding
    assert image.header.frame_id == "camera_color_optical_frame", image.header.frame_id
    return f"{image.width}x{image.height}"


def goal_then_cancel(inspector):
    """A slow motion of one joint is cancelled half-way: CANCELED, and the arm stands still."""
    inspector.latest.pop("/joint_states", None)
    state = inspector.wait(lambda: inspector.latest.get("/joint_states"), 5)
    here = dict(zip(state.name, state.position))
    goal = FollowJointTrajectory.Goal()
    goal.trajectory.joint_names = ARM
    target = [here[j] for j in ARM]
    target[0] += 0.8 if target[0] < 0 else -0.8
    goal.trajectory.points = [
        JointTrajectoryPoint(positions=[here[j] for j in ARM], velocities=[0.0] * 7, time_from_start=Duration(seconds=0.0).to_msg()),
        JointTrajectoryPoint(positions=target, velocities=[0.0] * 7, time_from_start=Duration(seconds=6.0).to_msg()),
    ]
    client = ActionClient(inspector.node, FollowJointTrajectory, "/follow_joint_trajectory")
    assert client.wait_for_server(timeout_sec=10), "no follow_joint_trajectory server"
    handle = inspector.future(client.send_goal_async(goal))
    assert handle.accepted, "the goal was refused"
    wait_until(lambda: abs(dict(zip(inspector.latest["/joint_states"].name, inspector.latest["/joint_states"].position))[ARM[0]] - here[ARM[0]]) > 0.05, 6, inspector.spin)
    started = time.monotonic()
    inspector.future(handle.cancel_goal_async())
    answered_ms = 1e3 * (time.monotonic() - started)
    result = inspector.future(handle.get_result_async())
    assert result.status == GoalStatus.STATUS_CANCELED, f"status {result.status}: {result.result.error_string}"

    arm_comes_to_rest(inspector)
    return f"cancel answered in {answered_ms:.1f} ms"


def change_state(inspector, name, transition, state):
    request = ChangeState.Request()
    request.transition.id = transition
    answer = inspector.call(ChangeState, f"/{name}/change_state", request)
    assert answer.success, f"transition {transition} was refused"
    now = inspector.call(GetState, f"/{name}/get_state", GetState.Request()).current_state
    assert now.id == state, f"state is {now.label}"


def arm_comes_to_rest(inspector):
    def still():
        """the arm stands still"""
        message = inspector.latest.get("/joint_states")
        return message and max(abs(v) for n, v in zip(message.name, message.velocity) if n in ARM) < 0.01

    inspector.wait(still, 5)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--move", action="store_true", help="also move and stop the arm")
    arguments = parser.parse_args()

    rclpy.init()
    inspector, checks = Inspector(), Checks()
    latched = QoSProfile(depth=10, reliability=RELIABLE, durability=LATCHED)
    inspector.listen("/joint_states", JointState, qos_profile_sensor_data)
    inspector.listen("/camera/color/image_raw", Image, qos_profile_sensor_data)
    inspector.listen("/diagnostics", DiagnosticArray, 10)
    inspector.listen("/tf", TFMessage, 100)
    inspector.listen("/tf_static", TFMessage, latched)

    for name in NODES:
        checks.run(f"node {name} is there", see_node, inspector, name)
    for name in NODES:
        checks.run(f"{name} is active", is_active, inspector, name)
    for topic, (publisher, kind, reliability, is_latched) in TOPICS.items():
        checks.run(f"{publisher} publishes {topic}", see_topic, inspector, topic, publisher, kind, reliability, is_latched)
    for name, kind in SERVICES.items():
        checks.run(f"service {name}", see_service, inspector, name, kind)
    for name in ACTIONS:
        checks.run(f"action {name}", see_action, inspector, name)
    for name in NODES:
        checks.run(f"parameters of {name} have descriptions and ranges", parameters_have_ranges, inspector, name)
    checks.run("every node tells its diagnostics", diagnostics_come_from, inspector, NODES)
    parents = {}
    checks.run("tf leads from world to the hand", tf_tree_is_connected, inspector, parents, "panda_hand", "world")
    checks.run("tf leads from world to the camera", tf_tree_is_connected, inspector, parents, "camera_color_optical_frame", "world")
    checks.run("colour images arrive", images_arrive, inspector)
    if arguments.move:
        inactive, active = State.PRIMARY_STATE_INACTIVE, State.PRIMARY_STATE_ACTIVE
        checks.run("task is deactivated", change_state, inspector, "task", Transition.TRANSITION_DEACTIVATE, inactive)
        checks.run("and its motion ends", arm_comes_to_rest, inspector)
        checks.run("a FollowJointTrajectory goal is cancelled and the arm stands still", goal_then_cancel, inspector)
        checks.run("task is activated", change_state, inspector, "task", Transition.TRANSITION_ACTIVATE, active)
    inspector.node.destroy_node()
    rclpy.shutdown()
    checks.finish()


if __name__ == "__main__":
    main()
