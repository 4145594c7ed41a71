use praxis_sim::{DriverConfig, PhysicsConfig, SimConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of the sim node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SimParameters {
    /// URDF file of the robot.
    pub robot_description_file: String,
    /// SRDF file of the robot: pairs of links that may touch. Empty: none.
    pub robot_description_semantic_file: String,
    /// Joint limits file in MoveIt's format, for the judge. Empty: the description's limits only.
    pub joint_limits_file: String,
    /// World file: what stands, what is to be sorted, what looks on.
    pub world_file: String,
    /// Seed of the layout: one seed, one table.
    pub seed: u32,
    /// Simulated seconds a second of wall time.
    #[schemars(range(min = 0.02, max = 50.0))]
    pub real_time_factor: f64,
    /// Length of a physics step, seconds.
    #[schemars(range(min = 0.0002, max = 0.004))]
    pub timestep_s: f64,
    /// Joint states a simulated second.
    #[schemars(range(min = 10.0, max = 1000.0))]
    pub joint_state_rate_hz: f64,
    /// Clock messages a simulated second.
    #[schemars(range(min = 10.0, max = 1000.0))]
    pub clock_rate_hz: f64,
    /// Moving transforms a simulated second.
    #[schemars(range(min = 1.0, max = 1000.0))]
    pub tf_rate_hz: f64,
    /// Where the arm starts, radians, in the order of its joints.
    pub start_positions_rad: Vec<f64>,
    /// Where the fingers start, metres from the middle.
    #[schemars(range(min = 0.0, max = 0.2))]
    pub start_finger_m: f64,
    /// Joints that commands name. Empty: all that move on their own and are no fingers.
    pub arm_joints: Vec<String>,
    /// Joints of the fingers; the first one is commanded, all move together. ROS parameter files
    /// cannot say an empty list: a robot without fingers has `[""]`.
    pub finger_joints: Vec<String>,
    /// Link between the finger tips, y along the opening.
    pub tool_link: String,
    /// Frame that the world file speaks of.
    pub world_frame: String,
    /// File that the judge's verdict is appended to, one JSON object a line. Empty: nowhere.
    pub judge_file: String,
    /// File for the stamp of every frame and the wall clock when it was published. Empty: nowhere.
    pub frames_file: String,
    /// Simulated seconds after which the judge calls the run failed; 0: never.
    #[schemars(range(min = 0.0))]
    pub time_limit_s: f64,
    /// Random poses that the arm is to reach instead of sorting; 0: none.
    #[schemars(range(min = 0, max = 1000))]
    pub reach_poses: u32,
    /// Positions of the arm's joints, one state after the other; the poses to reach are those of the
    /// tool there, again and again, instead of random ones. Empty: random ones.
    pub reach_states_rad: Vec<f64>,
    /// What is thrust into the arm's way, at random moments of motions that it knows by now: `none`,
    /// a `box` at 2.5 m/s, or what `people` reach out, slowly or quickly.
    #[schemars(extend("enum" = ["none", "box", "people"]))]
    pub intruder: String,
    /// Thrusts that the run is for, in place of the poses; 0: the poses count.
    #[schemars(range(min = 0, max = 1000))]
    pub thrusts: u32,
    /// How high an object is to be held up instead of sorted, metres; 0: nothing is to be picked.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub pick_lifted_m: f64,
    /// How far from a pose still counts as reached, metres.
    #[schemars(range(min = 0.0001, max = 0.1))]
    pub reach_tolerance_m: f64,
    /// How far from a pose's orientation still counts as reached, radians.
    #[schemars(range(min = 0.0001, max = 1.0))]
    pub reach_tolerance_rad: f64,
    /// The camera.
    pub camera: CameraParameters,
}

/// Parameters of the simulated camera.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CameraParameters {
    /// Render and publish frames.
    pub enabled: bool,
    /// Noise of a real sensor: grain in colour, depth error that grows with distance, no depth at
    /// edges.
    pub noise: bool,
    /// Depth as 16UC1 (millimetres) or 32FC1 (metres).
    #[schemars(extend("enum" = ["16UC1", "32FC1"]))]
    pub depth_encoding: String,
}

impl Default for SimParameters {
    fn default() -> Self {
        let sim = SimConfig::default();
        Self {
            robot_description_file: String::new(),
            robot_description_semantic_file: String::new(),
            joint_limits_file: String::new(),
            world_file: String::new(),
            seed: 1,
            real_time_factor: 1.0,
            timestep_s: sim.physics.timestep_s,
            joint_state_rate_hz: 500.0,
            clock_rate_hz: 500.0,
            tf_rate_hz: 50.0,
            start_positions_rad: sim.start_positions,
            start_finger_m: sim.start_finger_m,
            arm_joints: sim.arm_joints,
            finger_joints: sim.finger_joints,
            tool_link: sim.tool_link,
            world_frame: "world".to_owned(),
            judge_file: String::new(),
            frames_file: String::new(),
            time_limit_s: 0.0,
            reach_poses: 0,
            reach_states_rad: Vec::new(),
            intruder: "none".to_owned(),
            thrusts: 0,
            pick_lifted_m: 0.0,
            reach_tolerance_m: 0.005,
            reach_tolerance_rad: 0.02,
            camera: CameraParameters::default(),
        }
    }
}

impl Default for CameraParameters {
    fn default() -> Self {
        Self { enabled: true, noise: false, depth_encoding: "16UC1".to_owned() }
    }
}

impl SimParameters {
    /// What the simulator must know of these.
    pub fn sim_config(&self) -> SimConfig {
        SimConfig {
            physics: PhysicsConfig { timestep_s: self.timestep_s, ..PhysicsConfig::default() },
            driver: DriverConfig::default(),
            arm_joints: self.arm_joints.clone(),
            finger_joints: self
                .finger_joints
                .iter()
                .filter(|name| !name.is_empty())
                .cloned()
                .collect(),
            tool_link: self.tool_link.clone(),
            start_positions: self.start_positions_rad.clone(),
            start_finger_m: self.start_finger_m,
            seed: u64::from(self.seed),
        }
    }
}
