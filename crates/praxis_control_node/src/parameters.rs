use praxis_control::{AcceptConfig, ControllerConfig, GripperConfig};
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
    /// Joint limits file in MoveIt's format: velocity, acceleration and jerk limits.
    pub joint_limits_file: String,
    /// Control periods a second.
    #[schemars(range(min = 50.0, max = 1000.0))]
    pub rate_hz: f64,
    /// Messages a second on control/state.
    #[schemars(range(min = 1.0, max = 200.0))]
    pub state_rate_hz: f64,
    /// Joint states older than this count as lost, seconds.
    #[schemars(range(min = 0.005, max = 5.0))]
    pub stale_after_s: f64,
    /// Silence of a planner that was alive after which its motion is stopped, seconds.
    #[schemars(range(min = 0.05, max = 10.0))]
    pub heartbeat_timeout_s: f64,
    /// Largest distance between command and measured position, radians.
    #[schemars(range(min = 0.01, max = 3.0))]
    pub max_tracking_error_rad: f64,
    /// Largest distance of a trajectory's start from the commanded state, radians.
    #[schemars(range(min = 0.0001, max = 0.5))]
    pub allowed_start_tolerance_rad: f64,
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
    /// File that keeps an emergency stop over a crash. Empty: one in the user's state folder.
    pub estop_file: String,
    /// Ask for real-time scheduling and locked memory; goes on without where not permitted.
    pub realtime: bool,
    /// The gripper.
    pub gripper: GripperParameters,
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
            joint_limits_file: String::new(),
            rate_hz: 500.0,
            state_rate_hz: 50.0,
            stale_after_s: controller.stale_after_s,
            heartbeat_timeout_s: controller.heartbeat_timeout_s,
            max_tracking_error_rad: controller.max_tracking_error,
            allowed_start_tolerance_rad: accept.start_tolerance,
            goal_tolerance_rad: accept.goal_tolerance,
            stopped_velocity_tolerance_rad_per_s: accept.stopped_velocity_tolerance,
            goal_time_s: accept.goal_time_s,
            allow_partial_joints: accept.allow_partial_joints,
            estop_file: String::new(),
            realtime: true,
            gripper: GripperParameters::default(),
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
            max_tracking_error: self.max_tracking_error_rad,
        }
    }

    /// What a trajectory must keep.
    pub fn accept(&self) -> AcceptConfig {
        AcceptConfig {
            start_tolerance: self.allowed_start_tolerance_rad,
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
