use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of the planning node.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlanningParameters {
    /// The robot's URDF as text. Empty: read from `robot_description_file`, else from the topic
    /// `robot_description`.
    pub robot_description: String,
    /// File with the robot's URDF.
    pub robot_description_file: String,
    /// The robot's SRDF as text. Empty: read from `robot_description_semantic_file`.
    pub robot_description_semantic: String,
    /// File with the robot's SRDF.
    pub robot_description_semantic_file: String,
    /// File with velocity, acceleration and jerk limits in MoveIt's format.
    pub joint_limits_file: String,
    /// World file whose fixed boxes stand in the planning scene from the start.
    pub scene_file: String,
    /// Frame that stands where the robot's root link stands; poses without a frame are in it.
    pub planning_frame: String,
    /// Action of the controller that executes trajectories.
    pub trajectory_action: String,
    /// Oldest joint state to plan from, in seconds.
    #[schemars(range(min = 0.01, max = 60.0))]
    pub max_joint_state_age_s: f64,
    /// How far a joint may be from the start of a trajectory that is to be executed.
    #[schemars(range(min = 0.0001, max = 1.0))]
    pub allowed_start_tolerance: f64,
    /// Planning time where a request gives none, in seconds.
    #[schemars(range(min = 0.01, max = 60.0))]
    pub default_planning_time_s: f64,
    /// Share of the velocity limits where a request gives none.
    #[schemars(range(min = 0.01, max = 1.0))]
    pub default_velocity_scaling: f64,
    /// Share of the acceleration limits where a request gives none.
    #[schemars(range(min = 0.01, max = 1.0))]
    pub default_acceleration_scaling: f64,
    /// How far from its waypoint a corner may be rounded, in radians of joint space.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub corner_deviation_rad: f64,
    /// Longest edge that one extension of the search adds, in radians.
    #[schemars(range(min = 0.01, max = 6.0))]
    pub max_edge_rad: f64,
    /// Seed of the search.
    #[schemars(range(min = 0, max = 2147483647))]
    pub seed: i64,
    /// Whether measured points (`perception/obstacles`) are planned around.
    pub avoid_points: bool,
    /// Distance that planned motions keep from measured points, in metres; more than control's
    /// monitor keeps, so that what is planned is driven.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub point_clearance_m: f64,
    /// A running motion is planned anew when it comes nearer than this to a point, in metres.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub point_margin_m: f64,
    /// Points so near to an object of the scene belong to it, in metres.
    #[schemars(range(min = 0.0, max = 0.2))]
    pub object_padding_m: f64,
    /// A motion planned anew takes over so long after the moment at which its planning began, in
    /// seconds: planning, sending and checking must be done by then.
    #[schemars(range(min = 0.01, max = 1.0))]
    pub takeover_s: f64,
    /// File for the moments at which motions planned anew take over; empty: none.
    pub takeovers_file: String,
    /// How often a motion that a change of the scene has made unsafe is planned anew.
    #[schemars(range(min = 0, max = 20))]
    pub replan_attempts: i64,
    /// How long an arm that was stopped under way waits for its way to be free, in seconds.
    #[schemars(range(min = 0.0, max = 600.0))]
    pub wait_for_way_s: f64,
}

impl Default for PlanningParameters {
    fn default() -> Self {
        Self {
            robot_description: String::new(),
            robot_description_file: String::new(),
            robot_description_semantic: String::new(),
            robot_description_semantic_file: String::new(),
            joint_limits_file: String::new(),
            scene_file: String::new(),
            planning_frame: "world".to_owned(),
            trajectory_action: "follow_joint_trajectory".to_owned(),
            max_joint_state_age_s: 1.0,
            allowed_start_tolerance: 0.02,
            default_planning_time_s: 5.0,
            default_velocity_scaling: 1.0,
            default_acceleration_scaling: 1.0,
            corner_deviation_rad: 0.2,
            max_edge_rad: 1.0,
            seed: 1,
            avoid_points: true,
            point_clearance_m: 0.04,
            point_margin_m: 0.032,
            object_padding_m: 0.03,
            takeover_s: 0.05,
            takeovers_file: String::new(),
            replan_attempts: 3,
            wait_for_way_s: 3.0,
        }
    }
}
