//! Every topic once: its name, what it carries, how it is delivered. Names are relative.

use std::marker::PhantomData;

use r2r::{
    QosProfile, WrappedTypesupport, control_msgs, diagnostic_msgs, geometry_msgs, moveit_msgs,
    sensor_msgs, std_msgs, tf2_msgs, trajectory_msgs, vision_msgs, visualization_msgs,
};

use crate::error::RosError;
use crate::node::{Node, Publisher};

/// A topic's name, type and QoS, for its publisher and for its subscribers.
#[derive(Debug)]
pub struct Topic<T> {
    /// Relative or absolute name.
    pub name: &'static str,
    /// How it is published.
    pub published: fn() -> QosProfile,
    /// How it is subscribed to.
    pub subscribed: fn() -> QosProfile,
    carries: PhantomData<fn() -> T>,
}

impl<T> Topic<T> {
    const fn new(
        name: &'static str,
        published: fn() -> QosProfile,
        subscribed: fn() -> QosProfile,
    ) -> Self {
        Self { name, published, subscribed, carries: PhantomData }
    }
}

impl Node {
    /// A publisher on one of our topics.
    pub fn publish_on<T: WrappedTypesupport + 'static>(
        &mut self,
        topic: &Topic<T>,
    ) -> Result<Publisher<T>, RosError> {
        self.publisher(topic.name, (topic.published)())
    }

    /// Calls back with every message of one of our topics.
    pub fn listen_to<T: WrappedTypesupport + 'static>(
        &mut self,
        topic: &Topic<T>,
        callback: impl FnMut(T) + 'static,
    ) -> Result<(), RosError> {
        self.subscribe(topic.name, (topic.subscribed)(), callback)
    }

    /// Like [`Node::listen_to`] for a busy topic of which only the newest message counts, see
    /// [`Node::subscribe_calmly`].
    pub fn listen_calmly_to<T: WrappedTypesupport + 'static>(
        &mut self,
        topic: &Topic<T>,
        callback: impl FnMut(T) + 'static,
    ) -> Result<(), RosError> {
        self.subscribe_calmly(topic.name, (topic.subscribed)(), callback)
    }

    /// Like [`Node::listen_to`] without the copy into a Rust message.
    pub fn listen_natively_to<T: WrappedTypesupport + 'static>(
        &mut self,
        topic: &Topic<T>,
        callback: impl FnMut(&r2r::NativeMsg<T>) + 'static,
    ) -> Result<(), RosError> {
        self.subscribe_native(topic.name, (topic.subscribed)(), callback)
    }
}

fn default() -> QosProfile {
    QosProfile::default()
}
fn sensor() -> QosProfile {
    QosProfile::sensor_data()
}
fn newest() -> QosProfile {
    QosProfile::default().keep_last(1).reliable()
}
fn newest_best_effort() -> QosProfile {
    QosProfile::default().keep_last(1).best_effort()
}
fn latched() -> QosProfile {
    QosProfile::default().keep_last(1).reliable().transient_local()
}
fn many() -> QosProfile {
    QosProfile::default().keep_last(100).reliable()
}
fn static_transforms() -> QosProfile {
    QosProfile::default().keep_last(100).reliable().transient_local()
}

macro_rules! topics {
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $topic:literal, $published:ident, $subscribed:ident;)*) => {
        $($(#[$doc])* pub const $name: Topic<$kind> = Topic::new($topic, $published, $subscribed);)*

        /// Name of every topic above.
        pub const ALL: &[&str] = &[$($topic),*];
    };
}

topics! {
    /// Colour frames.
    COLOUR_IMAGE: sensor_msgs::msg::Image = "camera/color/image_raw", default, sensor;
    /// Depth frames, aligned with the colour frames; 16UC1 in millimetres or 32FC1 in metres.
    DEPTH_IMAGE: sensor_msgs::msg::Image = "camera/depth/image_raw", default, sensor;
    /// Colour frames as the transport `compressed` of image_transport sends them.
    COLOUR_COMPRESSED: sensor_msgs::msg::CompressedImage = "camera/color/image_raw/compressed", default, sensor;
    /// Depth frames as the transport `compressedDepth` of image_transport sends them.
    DEPTH_COMPRESSED: sensor_msgs::msg::CompressedImage = "camera/depth/image_raw/compressedDepth", default, sensor;
    /// Intrinsics of both.
    CAMERA_INFO: sensor_msgs::msg::CameraInfo = "camera/color/camera_info", default, sensor;
    /// What the joints do.
    JOINT_STATES: sensor_msgs::msg::JointState = "joint_states", default, newest_best_effort;
    /// Moving transforms.
    TF: tf2_msgs::msg::TFMessage = "/tf", many, many;
    /// Transforms that never change.
    TF_STATIC: tf2_msgs::msg::TFMessage = "/tf_static", static_transforms, static_transforms;
    /// The robot's URDF.
    ROBOT_DESCRIPTION: std_msgs::msg::String = "robot_description", latched, latched;
    /// The robot's SRDF.
    ROBOT_DESCRIPTION_SEMANTIC: std_msgs::msg::String = "robot_description_semantic", latched, latched;
    /// Tracked objects in the planning frame.
    OBJECTS: vision_msgs::msg::Detection3DArray = "perception/objects", newest, newest;
    /// Points that are neither robot nor known object.
    OBSTACLES: sensor_msgs::msg::PointCloud2 = "perception/obstacles", newest, sensor;
    /// Space that no sensor has looked into, as middles of cells.
    UNKNOWN_SPACE: sensor_msgs::msg::PointCloud2 = "perception/unknown", newest, sensor;
    /// What the network saw, for people.
    ANNOTATED: sensor_msgs::msg::Image = "perception/annotated", default, default;
    /// Objects, for RViz.
    PERCEPTION_MARKERS: visualization_msgs::msg::MarkerArray = "perception/markers", default, default;
    /// Poses of the tool that the reach scenario asks for, in their order.
    REACH_POSES: geometry_msgs::msg::PoseArray = "task/reach_poses", latched, latched;
    /// A timed motion; its stamp says when it takes over.
    JOINT_TRAJECTORY: trajectory_msgs::msg::JointTrajectory = "joint_trajectory", newest, newest;
    /// The planner's world.
    MONITORED_PLANNING_SCENE: moveit_msgs::msg::PlanningScene = "monitored_planning_scene", many, many;
    /// Changes of the planner's world.
    PLANNING_SCENE: moveit_msgs::msg::PlanningScene = "planning_scene", many, many;
    /// Objects for the planner's world.
    COLLISION_OBJECT: moveit_msgs::msg::CollisionObject = "collision_object", many, many;
    /// Objects that the robot holds.
    ATTACHED_COLLISION_OBJECT: moveit_msgs::msg::AttachedCollisionObject = "attached_collision_object", many, many;
    /// "stop" ends every motion.
    TRAJECTORY_EXECUTION_EVENT: std_msgs::msg::String = "trajectory_execution_event", default, default;
    /// The planned motion, for RViz.
    DISPLAY_PLANNED_PATH: moveit_msgs::msg::DisplayTrajectory = "display_planned_path", default, default;
    /// The planned motion of the tool, for RViz.
    PLANNING_MARKERS: visualization_msgs::msg::MarkerArray = "planning/markers", default, default;
    /// Sign of life of the planner.
    PLANNING_HEARTBEAT: std_msgs::msg::Header = "planning/heartbeat", newest, newest_best_effort;
    /// Set points for the robot driver.
    JOINT_COMMANDS: sensor_msgs::msg::JointState = "joint_commands", newest, many;
    /// What control wants, has and misses.
    CONTROL_STATE: control_msgs::msg::JointTrajectoryControllerState = "control/state", newest, newest;
    /// What the monitor sees: where the arm would come to rest, how near the nearest is, at what speed.
    CONTROL_MARKERS: visualization_msgs::msg::MarkerArray = "control/markers", default, default;
    /// Slows motions down: 1 as planned, 0 to stand.
    SPEED_SCALING_INPUT: control_msgs::msg::SpeedScalingFactor = "speed_scaling_input", latched, newest;
    /// Positions for forward controllers of ros2_control, in place of `joint_commands`.
    POSITION_COMMANDS: std_msgs::msg::Float64MultiArray = "forward_position_controller/commands", newest, newest;
    /// One point at a time for joint_trajectory_controller, in place of `joint_commands`.
    TRAJECTORY_COMMANDS: trajectory_msgs::msg::JointTrajectory = "joint_trajectory_controller/joint_trajectory", newest, newest;
    /// Servo input: velocity of the tool.
    DELTA_TWIST: geometry_msgs::msg::TwistStamped = "servo_node/delta_twist_cmds", newest, newest;
    /// Servo input: velocities of joints.
    DELTA_JOINT: control_msgs::msg::JointJog = "servo_node/delta_joint_cmds", newest, newest;
    /// Servo input: where the tool is to be.
    POSE_TARGET: geometry_msgs::msg::PoseStamped = "servo_node/pose_target_cmds", newest, newest;
    /// What servoing does.
    SERVO_STATUS: moveit_msgs::msg::ServoStatus = "servo_node/status", newest, newest;
    /// Emergency stop, latched until `control/reset`.
    E_STOP: std_msgs::msg::Bool = "control/e_stop", newest, newest;
    /// How every node is.
    DIAGNOSTICS: diagnostic_msgs::msg::DiagnosticArray = "/diagnostics", default, default;
}

/// Services and actions, by name.
pub mod names {
    /// Halts servoing, or lets it go on (std_srvs/SetBool).
    pub const PAUSE_SERVO: &str = "servo_node/pause_servo";
    /// Chooses between joints, twist and pose (moveit_msgs/ServoCommandType).
    pub const SWITCH_COMMAND_TYPE: &str = "servo_node/switch_command_type";
    /// Brings the arm to rest (std_srvs/Trigger).
    pub const CONTROL_STOP: &str = "control/stop";
    /// Ends an emergency stop (std_srvs/Trigger).
    pub const CONTROL_RESET: &str = "control/reset";
    /// control_msgs/FollowJointTrajectory.
    pub const FOLLOW_JOINT_TRAJECTORY: &str = "follow_joint_trajectory";
    /// control_msgs/GripperCommand.
    pub const GRIPPER_CMD: &str = "gripper_action_controller/gripper_cmd";
    /// moveit_msgs/MoveGroup.
    pub const MOVE_ACTION: &str = "move_action";
    /// moveit_msgs/ExecuteTrajectory.
    pub const EXECUTE_TRAJECTORY: &str = "execute_trajectory";
    /// moveit_msgs/GetMotionPlan.
    pub const PLAN_KINEMATIC_PATH: &str = "plan_kinematic_path";
    /// moveit_msgs/GetCartesianPath.
    pub const COMPUTE_CARTESIAN_PATH: &str = "compute_cartesian_path";
    /// moveit_msgs/GetPositionIK.
    pub const COMPUTE_IK: &str = "compute_ik";
    /// moveit_msgs/GetPositionFK.
    pub const COMPUTE_FK: &str = "compute_fk";
    /// moveit_msgs/GetStateValidity.
    pub const CHECK_STATE_VALIDITY: &str = "check_state_validity";
    /// moveit_msgs/GetPlanningScene.
    pub const GET_PLANNING_SCENE: &str = "get_planning_scene";
    /// moveit_msgs/ApplyPlanningScene.
    pub const APPLY_PLANNING_SCENE: &str = "apply_planning_scene";
    /// Starts the task (std_srvs/Trigger).
    pub const TASK_RUN: &str = "task/run";
    /// Ends the task (std_srvs/Trigger).
    pub const TASK_CANCEL: &str = "task/cancel";
}
