use praxis_control::{
    AcceptConfig, ControllerConfig, GripperConfig, MonitorConfig, Separation, ServoConfig,
    ToolLimits,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of the control node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ControlParameters {
    /// Joints to drive, in the order of the commands.
    pub joints: Vec<String>,
    /// URDF file of the robot: position and velocity limits.
    pub robot_description_file: String,
    /// URDF text; goes before the file.
    pub robot_description: String,
    /// SRDF file of the robot: links that may touch, for the monitor.
    pub robot_description_semantic_file: String,
    /// SRDF text; goes before the file.
    pub robot_description_semantic: String,
    /// Joint limits file in MoveIt's format: velocity, acceleration and jerk limits.
    pub joint_limits_file: String,
    /// Control periods a second.
    #[schemars(range(min = 50.0, max = 1000.0))]
    pub rate_hz: f64,
    /// What the driver takes commands as: joint_state (on joint_commands), float64_multi_array (on
    /// forward_position_controller/commands) or joint_trajectory (on
    /// joint_trajectory_controller/joint_trajectory).
    pub command_type: String,
    /// Messages a second on control/state.
    #[schemars(range(min = 1.0, max = 200.0))]
    pub state_rate_hz: f64,
    /// Joint states older than this count as lost, seconds.
    #[schemars(range(min = 0.005, max = 5.0))]
    pub stale_after_s: f64,
    /// Silence of a planner that was alive after which its motion is stopped, seconds.
    #[schemars(range(min = 0.05, max = 10.0))]
    pub heartbeat_timeout_s: f64,
    /// Silence of the control loop itself, held up by the machine, after which a moving arm's motion
    /// is given up and the arm is held where its driver has brought it to rest, seconds. No longer
    /// than the driver goes on without commands.
    #[schemars(range(min = 0.01, max = 5.0))]
    pub longest_silence_s: f64,
    /// Largest distance between command and measured position, radians.
    #[schemars(range(min = 0.01, max = 3.0))]
    pub max_tracking_error_rad: f64,
    /// Largest distance of a trajectory's start from the commanded state, radians.
    #[schemars(range(min = 0.0001, max = 0.5))]
    pub allowed_start_tolerance_rad: f64,
    /// The same for a trajectory that takes over in mid-motion, radians.
    #[schemars(range(min = 0.0001, max = 1.0))]
    pub join_tolerance_rad: f64,
    /// Distance from a trajectory's end that counts as reached, radians.
    #[schemars(range(min = 0.0001, max = 0.5))]
    pub goal_tolerance_rad: f64,
    /// Speed at a trajectory's end that counts as standing, radians per second.
    #[schemars(range(min = 0.001, max = 1.0))]
    pub stopped_velocity_tolerance_rad_per_s: f64,
    /// Time to settle after a trajectory's end, seconds.
    #[schemars(range(min = 0.01, max = 60.0))]
    pub goal_time_s: f64,
    /// Take trajectories that leave joints out; these keep their place.
    pub allow_partial_joints: bool,
    /// Take trajectories whose points give velocities alone; these are integrated.
    pub allow_integration_in_goal_trajectories: bool,
    /// File that keeps an emergency stop over a crash. Empty: one in the user's state folder.
    pub estop_file: String,
    /// Ask for real-time scheduling and locked memory; goes on without where not permitted.
    pub realtime: bool,
    /// File for the loop's periods beside those of a bare loop, written at the end; for
    /// `cargo xtask bench control`. Empty: none.
    pub measure_file: String,
    /// File for the moments at which motions began and the times from loop to wire, written at the end;
    /// for `cargo xtask bench e2e`. Empty: none.
    pub begins_file: String,
    /// The gripper.
    pub gripper: GripperParameters,
    /// Where the tool may be and how fast.
    pub tool: ToolParameters,
    /// The collision monitor.
    pub monitor: MonitorParameters,
    /// Servoing.
    pub servo: ServoParameters,
}

/// Parameters of servoing; it needs the monitor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServoParameters {
    /// Link that twists and poses lead. Empty: no servoing.
    pub link: String,
    /// Times a second that input is followed.
    #[schemars(range(min = 50.0, max = 500.0))]
    pub rate_hz: f64,
    /// Twists are shares of the highest speeds, not metres and radians per second.
    pub unitless: bool,
    /// Highest speed of the tool, metres per second.
    #[schemars(range(min = 0.001, max = 5.0))]
    pub linear_mps: f64,
    /// Highest turning of the tool, radians per second.
    #[schemars(range(min = 0.001, max = 10.0))]
    pub angular_rad_per_s: f64,
    /// How quickly a pose target is approached, 1/s.
    #[schemars(range(min = 0.1, max = 20.0))]
    pub pose_gain_per_s: f64,
    /// Input older than this stops the arm, seconds.
    #[schemars(range(min = 0.02, max = 2.0))]
    pub timeout_s: f64,
    /// Smallest singular value of the Jacobian below which motions are damped.
    #[schemars(range(min = 0.001, max = 1.0))]
    pub singular_below: f64,
    /// Below this they go on only away from the singularity.
    #[schemars(range(min = 0.0001, max = 0.5))]
    pub singular_stop: f64,
}

impl Default for ServoParameters {
    fn default() -> Self {
        let servo = ServoConfig::default();
        Self {
            link: String::new(),
            rate_hz: 250.0,
            unitless: false,
            linear_mps: servo.linear_mps,
            angular_rad_per_s: servo.angular_rad_per_s,
            pose_gain_per_s: servo.pose_gain_per_s,
            timeout_s: ControllerConfig::default().servo_timeout_s,
            singular_below: servo.singular_below,
            singular_stop: servo.singular_stop,
        }
    }
}

/// Limits of the tool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ToolParameters {
    /// Link whose origin is limited. Empty: no limits of the tool.
    pub link: String,
    /// Lowest corner of the workspace in the robot's root frame: x, y, z in metres. Empty: none.
    pub workspace_min_m: Vec<f64>,
    /// Highest corner. Empty: none.
    pub workspace_max_m: Vec<f64>,
    /// Highest speed, metres per second. 0: none.
    #[schemars(range(min = 0.0, max = 20.0))]
    pub max_speed_mps: f64,
}

/// Parameters of the collision monitor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MonitorParameters {
    /// Look ahead of motions, slow down and brake before what is in the way.
    pub enabled: bool,
    /// Looks a second.
    #[schemars(range(min = 50.0, max = 500.0))]
    pub rate_hz: f64,
    /// Frame of scene and points that stands where the robot's root stands.
    pub planning_frame: String,
    /// Distance kept from measured points, metres.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub point_margin_m: f64,
    /// Distance kept from objects of the scene, metres; planned motions may pass them at any distance.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub object_margin_m: f64,
    /// Points nearer than this to an object of the scene or a held one belong to it, metres.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub known_margin_m: f64,
    /// Points nearer than this to the robot's surface belong to it, metres.
    #[schemars(range(min = 0.0, max = 0.2))]
    pub self_margin_m: f64,
    /// So do points nearer than this that appear there; what was seen before counts, metres.
    #[schemars(range(min = 0.0, max = 0.3))]
    pub appears_margin_m: f64,
    /// From the moment a threat is seen until the brake takes hold, seconds.
    #[schemars(range(min = 0.01, max = 1.0))]
    pub reaction_s: f64,
    /// Threats later than the braking time plus this do not slow the motion, seconds.
    #[schemars(range(min = 0.1, max = 10.0))]
    pub slow_within_s: f64,
    /// Scene or points older than this are stale, seconds.
    #[schemars(range(min = 0.1, max = 60.0))]
    pub stale_after_s: f64,
    /// Share of the speed while they are stale.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub blind_rate: f64,
    /// Longest stand before something in the way, seconds; then the goal is aborted.
    #[schemars(range(min = 0.1, max = 600.0))]
    pub longest_stand_s: f64,
    /// Silence of the monitor after which a motion brakes, seconds.
    #[schemars(range(min = 0.05, max = 5.0))]
    pub timeout_s: f64,
    /// Classes of perception/objects that are people.
    pub people_classes: Vec<String>,
    /// Speed at which people come nearer (K of ISO 13855), metres per second.
    #[schemars(range(min = 0.0, max = 5.0))]
    pub person_speed_mps: f64,
    /// Distance from people at which the arm stands (C), metres.
    #[schemars(range(min = 0.0, max = 3.0))]
    pub person_clearance_m: f64,
    /// Speed at which unknown points come nearer, metres per second.
    #[schemars(range(min = 0.0, max = 5.0))]
    pub unknown_speed_mps: f64,
    /// Distance from unknown points at which the least rate is reached, metres.
    #[schemars(range(min = 0.0, max = 3.0))]
    pub unknown_clearance_m: f64,
    /// Unknown points beside the way do not slow a motion below this share of its speed.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub unknown_least_rate: f64,
}

impl Default for MonitorParameters {
    fn default() -> Self {
        let (monitor, controller) = (MonitorConfig::default(), ControllerConfig::default());
        let separation = monitor.separation;
        Self {
            enabled: true,
            rate_hz: 100.0,
            planning_frame: "world".to_owned(),
            point_margin_m: monitor.point_margin_m,
            object_margin_m: monitor.object_margin_m,
            known_margin_m: monitor.known_margin_m,
            self_margin_m: monitor.self_margin_m,
            appears_margin_m: monitor.appears_margin_m,
            reaction_s: monitor.reaction_s,
            slow_within_s: monitor.slow_within_s,
            stale_after_s: monitor.stale_after_s,
            blind_rate: monitor.blind_rate,
            longest_stand_s: controller.longest_stand_s,
            timeout_s: controller.monitor_timeout_s,
            people_classes: vec!["person".to_owned()],
            person_speed_mps: separation.person_speed_mps,
            person_clearance_m: separation.person_clearance_m,
            unknown_speed_mps: separation.unknown_speed_mps,
            unknown_clearance_m: separation.unknown_clearance_m,
            unknown_least_rate: separation.unknown_least_rate,
        }
    }
}

/// Parameters of the gripper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GripperParameters {
    /// Joint of the finger that is commanded. Empty: no gripper.
    pub joint: String,
    /// Lowest finger position, metres.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_position_m: f64,
    /// Highest finger position, metres.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_position_m: f64,
    /// Distance from the goal that counts as reached, metres.
    #[schemars(range(min = 0.0001, max = 0.1))]
    pub goal_tolerance_m: f64,
    /// Finger speed below which it may be stalled, metres per second.
    #[schemars(range(min = 0.0001, max = 0.1))]
    pub stall_speed_mps: f64,
    /// How long it must be that slow, seconds.
    #[schemars(range(min = 0.02, max = 5.0))]
    pub stall_time_s: f64,
    /// After this long a goal counts as stalled, seconds.
    #[schemars(range(min = 0.1, max = 60.0))]
    pub longest_s: f64,
    /// Force for goals that give none, newtons.
    #[schemars(range(min = 0.1, max = 500.0))]
    pub default_effort_n: f64,
    /// Highest force, newtons.
    #[schemars(range(min = 0.1, max = 500.0))]
    pub max_effort_n: f64,
}

impl Default for ControlParameters {
    fn default() -> Self {
        let (controller, accept) = (ControllerConfig::default(), AcceptConfig::default());
        Self {
            joints: Vec::new(),
            robot_description_file: String::new(),
            robot_description: String::new(),
            robot_description_semantic_file: String::new(),
            robot_description_semantic: String::new(),
            joint_limits_file: String::new(),
            rate_hz: 500.0,
            command_type: "joint_state".to_owned(),
            state_rate_hz: 50.0,
            stale_after_s: controller.stale_after_s,
            heartbeat_timeout_s: controller.heartbeat_timeout_s,
            longest_silence_s: controller.longest_silence_s,
            max_tracking_error_rad: controller.max_tracking_error,
            allowed_start_tolerance_rad: accept.start_tolerance,
            join_tolerance_rad: accept.join_tolerance,
            goal_tolerance_rad: accept.goal_tolerance,
            stopped_velocity_tolerance_rad_per_s: accept.stopped_velocity_tolerance,
            goal_time_s: accept.goal_time_s,
            allow_partial_joints: accept.allow_partial_joints,
            allow_integration_in_goal_trajectories: accept.allow_integration,
            estop_file: String::new(),
            realtime: true,
            measure_file: String::new(),
            begins_file: String::new(),
            gripper: GripperParameters::default(),
            tool: ToolParameters::default(),
            monitor: MonitorParameters::default(),
            servo: ServoParameters::default(),
        }
    }
}

impl Default for GripperParameters {
    fn default() -> Self {
        let gripper = GripperConfig::default();
        Self {
            joint: String::new(),
            min_position_m: gripper.min_position_m,
            max_position_m: gripper.max_position_m,
            goal_tolerance_m: gripper.goal_tolerance_m,
            stall_speed_mps: gripper.stall_speed_mps,
            stall_time_s: gripper.stall_time_s,
            longest_s: gripper.longest_s,
            default_effort_n: gripper.default_effort_n,
            max_effort_n: gripper.max_effort_n,
        }
    }
}

impl ControlParameters {
    /// When the controller gives up.
    pub fn controller(&self) -> ControllerConfig {
        ControllerConfig {
            stale_after_s: self.stale_after_s,
            heartbeat_timeout_s: self.heartbeat_timeout_s,
            longest_silence_s: self.longest_silence_s,
            max_tracking_error: self.max_tracking_error_rad,
            longest_stand_s: self.monitor.longest_stand_s,
            monitor_timeout_s: self.monitor.timeout_s,
            servo_timeout_s: self.servo.timeout_s,
        }
    }

    /// What the monitor keeps clear of.
    pub fn monitor(&self) -> MonitorConfig {
        let monitor = &self.monitor;
        MonitorConfig {
            point_margin_m: monitor.point_margin_m,
            object_margin_m: monitor.object_margin_m,
            known_margin_m: monitor.known_margin_m,
            self_margin_m: monitor.self_margin_m,
            appears_margin_m: monitor.appears_margin_m,
            reaction_s: monitor.reaction_s,
            slow_within_s: monitor.slow_within_s,
            stale_after_s: monitor.stale_after_s,
            blind_rate: monitor.blind_rate,
            separation: Separation {
                person_speed_mps: monitor.person_speed_mps,
                person_clearance_m: monitor.person_clearance_m,
                unknown_speed_mps: monitor.unknown_speed_mps,
                unknown_clearance_m: monitor.unknown_clearance_m,
                unknown_least_rate: monitor.unknown_least_rate,
                ..Separation::default()
            },
            ..MonitorConfig::default()
        }
    }

    /// How servo input is followed.
    pub fn servo(&self) -> ServoConfig {
        let servo = &self.servo;
        ServoConfig {
            singular_below: servo.singular_below,
            singular_stop: servo.singular_stop,
            linear_mps: servo.linear_mps,
            angular_rad_per_s: servo.angular_rad_per_s,
            pose_gain_per_s: servo.pose_gain_per_s,
            ..ServoConfig::default()
        }
    }

    /// Limits of the tool, if there are any.
    pub fn tool(&self) -> anyhow::Result<Option<ToolLimits>> {
        let tool = &self.tool;
        let corner = |name: &str, values: &[f64], open: f64| match *values {
            [] => Ok([open; 3]),
            [x, y, z] => Ok([x, y, z]),
            _ => anyhow::bail!("tool.{name} has {} values, it needs x, y, z", values.len()),
        };
        let limits = ToolLimits {
            min_m: corner("workspace_min_m", &tool.workspace_min_m, f64::NEG_INFINITY)?,
            max_m: corner("workspace_max_m", &tool.workspace_max_m, f64::INFINITY)?,
            speed_mps: if tool.max_speed_mps > 0.0 { tool.max_speed_mps } else { f64::INFINITY },
        };
        if tool.link.is_empty() && limits != ToolLimits::default() {
            anyhow::bail!("tool.link is empty: name the link that the tool's limits are for");
        }
        Ok((!tool.link.is_empty()).then_some(limits))
    }

    /// What a trajectory must keep.
    pub fn accept(&self) -> AcceptConfig {
        AcceptConfig {
            start_tolerance: self.allowed_start_tolerance_rad,
            join_tolerance: self.join_tolerance_rad,
            allow_integration: self.allow_integration_in_goal_trajectories,
            goal_tolerance: self.goal_tolerance_rad,
            stopped_velocity_tolerance: self.stopped_velocity_tolerance_rad_per_s,
            goal_time_s: self.goal_time_s,
            allow_partial_joints: self.allow_partial_joints,
            ..AcceptConfig::default()
        }
    }

    /// When the gripper has arrived.
    pub fn gripper(&self) -> GripperConfig {
        let gripper = &self.gripper;
        GripperConfig {
            min_position_m: gripper.min_position_m,
            max_position_m: gripper.max_position_m,
            goal_tolerance_m: gripper.goal_tolerance_m,
            stall_speed_mps: gripper.stall_speed_mps,
            stall_time_s: gripper.stall_time_s,
            longest_s: gripper.longest_s,
            default_effort_n: gripper.default_effort_n,
            max_effort_n: gripper.max_effort_n,
        }
    }
}
