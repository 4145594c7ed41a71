use praxis_task::{FollowConfig, GraspConfig, SortConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pipeline::ConfigureError;

/// Parameters of the task node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TaskParameters {
    /// What is done: `sort` sorts the table, `reach` brings the tool to the poses that are asked
    /// for on `task/reach_poses`, `follow` picks one object that moves.
    #[schemars(extend("enum" = ["sort", "reach", "follow"]))]
    pub kind: String,
    /// World file: where the bins stand and what belongs into them.
    pub world_file: String,
    /// SRDF file with the named states of the arm.
    pub robot_description_semantic_file: String,
    /// Planning group of the arm.
    pub group: String,
    /// Link that is brought to grasps: between the finger tips, z forward, y along the opening.
    pub tool_link: String,
    /// Links that touch what is held.
    pub touch_links: Vec<String>,
    /// Joints of the fingers; their sum is the opening.
    pub finger_joints: Vec<String>,
    /// Object of the world that the objects stand on.
    pub support: String,
    /// Frame of poses.
    pub planning_frame: String,
    /// Begin to sort as soon as the node is active.
    pub run_on_start: bool,
    /// File for the report of a run, as JSON; empty: none.
    pub report_file: String,
    /// Named state of the arm in which the camera sees the whole table.
    pub look_state: String,
    /// How long a fresh view of the table is awaited, seconds.
    #[schemars(range(min = 0.5, max = 120.0))]
    pub look_timeout_s: f64,
    /// How long objects must have been watched by the arm at rest, seconds.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub settle_s: f64,
    /// How long a server may take to answer, seconds.
    #[schemars(range(min = 0.5, max = 120.0))]
    pub answer_timeout_s: f64,
    /// How long one motion may take, seconds.
    #[schemars(range(min = 1.0, max = 600.0))]
    pub motion_timeout_s: f64,
    /// Planning time for one motion, seconds.
    #[schemars(range(min = 0.01, max = 60.0))]
    pub planning_time_s: f64,
    /// Share of the velocity limits on straight ways near objects.
    #[schemars(range(min = 0.01, max = 1.0))]
    pub straight_velocity_scaling: f64,
    /// Share of the acceleration limits on straight ways near objects.
    #[schemars(range(min = 0.01, max = 1.0))]
    pub straight_acceleration_scaling: f64,
    /// Moving objects are picked where x is within these two, metres.
    pub follow_x_m: Vec<f64>,
    /// Moving objects are picked where y is within these two, metres.
    pub follow_y_m: Vec<f64>,
    /// Height of the straight approach and retreat, metres.
    #[schemars(range(min = 0.01, max = 0.5))]
    pub approach_m: f64,
    /// Free fall of an object when it is released, metres.
    #[schemars(range(min = 0.0, max = 0.1))]
    pub release_height_m: f64,
    /// Distance between places in a bin, metres.
    #[schemars(range(min = 0.01, max = 1.0))]
    pub slot_pitch_m: f64,
    /// Force with which objects are held, newtons.
    #[schemars(range(min = 1.0, max = 100.0))]
    pub grip_force_n: f64,
    /// Seen objects are grown by this in the planner's world, metres.
    #[schemars(range(min = 0.0, max = 0.1))]
    pub obstacle_padding_m: f64,
    /// A held object is grown by this in the planner's world, metres: it turns between the fingers.
    #[schemars(range(min = 0.0, max = 0.1))]
    pub held_padding_m: f64,
}

impl Default for TaskParameters {
    fn default() -> Self {
        let sort = SortConfig::default();
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        Self {
            kind: "sort".to_owned(),
            world_file: String::new(),
            robot_description_semantic_file: String::new(),
            group: "panda_arm".to_owned(),
            tool_link: "panda_hand_tcp".to_owned(),
            touch_links: words(&["panda_hand", "panda_leftfinger", "panda_rightfinger"]),
            finger_joints: words(&["panda_finger_joint1", "panda_finger_joint2"]),
            support: "table".to_owned(),
            planning_frame: "world".to_owned(),
            run_on_start: true,
            report_file: String::new(),
            look_state: sort.look_state,
            look_timeout_s: 15.0,
            settle_s: 0.4,
            answer_timeout_s: 10.0,
            motion_timeout_s: 60.0,
            planning_time_s: 2.0,
            straight_velocity_scaling: 0.25,
            straight_acceleration_scaling: 0.25,
            follow_x_m: vec![0.35, 0.65],
            follow_y_m: vec![-0.35, 0.35],
            approach_m: sort.approach_m,
            release_height_m: sort.release_height_m,
            slot_pitch_m: sort.slot_pitch_m,
            grip_force_n: sort.grip_force_n,
            obstacle_padding_m: 0.004,
            held_padding_m: 0.012,
        }
    }
}

impl TaskParameters {
    /// What following wants to know; an error if an area is no pair of numbers.
    pub fn follow(&self) -> Result<FollowConfig, ConfigureError> {
        let range = |name: &'static str, values: &[f64]| {
            let pair = <[f64; 2]>::try_from(values).ok().filter(|[low, high]| low < high);
            pair.ok_or_else(|| ConfigureError::NoRange { name, found: values.to_vec() })
        };
        Ok(FollowConfig {
            look_state: self.look_state.clone(),
            area_m: [
                range("follow_x_m", &self.follow_x_m)?,
                range("follow_y_m", &self.follow_y_m)?,
            ],
            approach_m: self.approach_m,
            grip_force_n: self.grip_force_n,
            ..FollowConfig::default()
        })
    }

    /// What the task itself wants to know.
    pub fn sort(&self) -> SortConfig {
        SortConfig {
            look_state: self.look_state.clone(),
            approach_m: self.approach_m,
            release_height_m: self.release_height_m,
            slot_pitch_m: self.slot_pitch_m,
            grip_force_n: self.grip_force_n,
            grasp: GraspConfig::default(),
            ..SortConfig::default()
        }
    }
}
