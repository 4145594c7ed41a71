use std::path::Path;

use anyhow::Context;
use praxis_geometry::Pose;
use praxis_sim::{
    CommandError, IntruderConfig, JointCommand, PickGoal, ReachGoals, RobotDescription, Simulator,
    Snapshot,
};
use praxis_trajectory::LimitsFile;
use praxis_world::World;

use crate::config::SimParameters;
use crate::course::{self, Course};
use crate::verdict::VerdictFile;

/// What is picked is held up so long, seconds.
const PICK_HELD_S: f64 = 1.0;

/// A simulation with its schedule: which step brings which message. Knows no ROS.
pub struct SimPipeline {
    simulator: Simulator,
    world: World,
    robot: RobotDescription,
    urdf: String,
    verdict: Option<VerdictFile>,
    course: Vec<Pose>,
    steps: u64,
    every: Every,
}

/// Steps between two of a kind.
struct Every {
    joint_states: u64,
    clock: u64,
    transforms: u64,
    frame: f64,
}

/// What is due after a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Joint states.
    pub joint_states: bool,
    /// The clock.
    pub clock: bool,
    /// Moving transforms.
    pub transforms: bool,
    /// A camera frame.
    pub frame: bool,
}

/// A child frame in its parent.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameInParent {
    /// Parent frame.
    pub parent: String,
    /// Child frame.
    pub child: String,
    /// The child's pose.
    pub parent_from_child: Pose,
}

impl SimPipeline {
    /// Reads robot, limits and world and sets them up.
    pub fn new(parameters: &SimParameters) -> anyhow::Result<Self> {
        let path = |name: &str, text: &str| {
            anyhow::ensure!(!text.is_empty(), "parameter '{name}' is not set");
            Ok(Path::new(text).to_owned())
        };
        let urdf_file = path("robot_description_file", &parameters.robot_description_file)?;
        let world_file = path("world_file", &parameters.world_file)?;
        let srdf_file = Some(Path::new(&parameters.robot_description_semantic_file))
            .filter(|path| !path.as_os_str().is_empty());

        let urdf = std::fs::read_to_string(&urdf_file)
            .with_context(|| format!("cannot read robot description {}", urdf_file.display()))?;
        let robot = RobotDescription::read(&urdf_file, srdf_file)?;
        let limits = match parameters.joint_limits_file.as_str() {
            "" => LimitsFile::default(),
            file => LimitsFile::parse(
                &std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read joint limits {file}"))?,
            )?,
        };
        let world = World::read(&world_file)?;
        let config = parameters.sim_config();
        let intruder = match parameters.intruder.as_str() {
            "box" => Some(IntruderConfig::default()),
            "people" => Some(IntruderConfig::people()),
            _ => None,
        };
        let mut simulator = match intruder {
            Some(intruder) => {
                let thrusts = (parameters.thrusts > 0).then_some(parameters.thrusts as usize);
                let intruder = IntruderConfig { thrusts, ..intruder };
                Simulator::with_intruder(&robot, &limits, &world, intruder, config)?
            }
            None => Simulator::new(&robot, &limits, &world, config)?,
        };
        let mut course = Vec::new();
        if parameters.reach_poses > 0 {
            let srdf = srdf_file.map(std::fs::read_to_string).transpose()?;
            course = course::draw(
                &urdf,
                srdf.as_deref(),
                &limits,
                &world,
                &Course {
                    arm_joints: simulator.arm_names(),
                    start: &parameters.start_positions_rad,
                    tool_link: &parameters.tool_link,
                    states: &parameters.reach_states_rad,
                    poses: parameters.reach_poses as usize,
                    seed: u64::from(parameters.seed),
                },
            )?;
            simulator.set_goals(ReachGoals {
                world_from_tool: course.clone(),
                position_tolerance_m: parameters.reach_tolerance_m,
                rotation_tolerance_rad: parameters.reach_tolerance_rad,
            });
        }
        if parameters.pick_lifted_m > 0.0 {
            simulator
                .set_pick(PickGoal { lifted_m: parameters.pick_lifted_m, held_s: PICK_HELD_S });
        }
        let verdict = match parameters.judge_file.as_str() {
            "" => None,
            file => Some(
                VerdictFile::open(Path::new(file), parameters.seed, parameters.time_limit_s)
                    .with_context(|| format!("cannot write judge file {file}"))?,
            ),
        };

        let step_s = simulator.timestep_s();
        let steps = |rate_hz: f64| ((1.0 / (rate_hz * step_s)).round() as u64).max(1);
        let every = Every {
            joint_states: steps(parameters.joint_state_rate_hz),
            clock: steps(parameters.clock_rate_hz),
            transforms: steps(parameters.tf_rate_hz),
            frame: 1.0 / (world.camera.rate_hz * step_s),
        };
        Ok(Self { simulator, world, robot, urdf, verdict, course, steps: 0, every })
    }

    /// One physics step; says what is due.
    pub fn step(&mut self) -> Due {
        self.simulator.step();
        self.steps += 1;
        let frames = |steps: u64| (steps as f64 / self.every.frame + 1e-9).floor();
        Due {
            joint_states: self.steps.is_multiple_of(self.every.joint_states),
            clock: self.steps.is_multiple_of(self.every.clock),
            transforms: self.steps.is_multiple_of(self.every.transforms),
            frame: frames(self.steps) > frames(self.steps - 1),
        }
    }

    /// Takes a command to the driver.
    pub fn command(&mut self, command: &JointCommand) -> Result<(), CommandError> {
        self.simulator.command(command)
    }

    /// Appends the truth to the judge's file if a line is due.
    pub fn tell_verdict(&mut self) -> std::io::Result<()> {
        match &mut self.verdict {
            Some(file) => file.tell(self.simulator.truth()),
            None => Ok(()),
        }
    }

    /// The simulator.
    pub fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The robot.
    pub fn robot(&self) -> &RobotDescription {
        &self.robot
    }

    /// Poses of the tool that are to be reached, if any.
    pub fn course(&self) -> &[Pose] {
        &self.course
    }

    /// The robot's URDF.
    pub fn urdf(&self) -> &str {
        &self.urdf
    }

    /// Frames that never move: base and camera in the world, links behind fixed joints.
    pub fn static_frames(&self, world_frame: &str) -> Vec<FrameInParent> {
        let camera = &self.world.camera;
        let frame = |parent: &str, child: &str, parent_from_child: Pose| FrameInParent {
            parent: parent.to_owned(),
            child: child.to_owned(),
            parent_from_child,
        };
        let mut frames = vec![
            frame(world_frame, &self.robot.links[0].name, Pose::identity()),
            frame(world_frame, &camera.frame, camera.world_from_camera),
            frame(
                &camera.frame,
                &camera.optical_frame,
                praxis_world::CameraMount::camera_from_optical(),
            ),
        ];
        for link in self.robot.links.iter().filter(|link| link.joint.is_none()) {
            if let Some(parent) = link.parent {
                let parent = &self.robot.links[parent].name;
                frames.push(frame(parent, &link.name, link.parent_from_link));
            }
        }
        frames
    }

    /// Frames of links behind moving joints.
    pub fn moving_frames(&self, snapshot: &Snapshot) -> Vec<FrameInParent> {
        let moving = self.robot.links.iter().enumerate().filter(|(_, link)| link.joint.is_some());
        moving
            .filter_map(|(index, link)| {
                let parent = link.parent?;
                Some(FrameInParent {
                    parent: self.robot.links[parent].name.clone(),
                    child: link.name.clone(),
                    parent_from_child: snapshot.world_from_links[parent].inverse()
                        * snapshot.world_from_links[index],
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters() -> SimParameters {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let file = |name: &str| repository.join(name).display().to_string();
        SimParameters {
            robot_description_file: file(".ros/robots/panda/panda.urdf"),
            world_file: file("models/worlds/sort_table.yaml"),
            ..SimParameters::default()
        }
    }

    #[test]
    fn messages_are_due_at_their_rates() {
        let mut pipeline = SimPipeline::new(&parameters()).unwrap();
        let mut counts = [0; 4];
        for _ in 0..1000 {
            let due = pipeline.step();
            let flags = [due.joint_states, due.clock, due.transforms, due.frame];
            for (count, flag) in counts.iter_mut().zip(flags) {
                *count += i32::from(flag);
            }
        }
        assert_eq!(counts, [500, 500, 50, 15]);
    }

    #[test]
    fn frames_make_one_tree_that_agrees_with_the_physics() {
        let pipeline = SimPipeline::new(&parameters()).unwrap();
        let snapshot = pipeline.simulator().snapshot();
        let frames = [pipeline.static_frames("world"), pipeline.moving_frames(&snapshot)].concat();
        let mut frame = "panda_hand_tcp".to_owned();
        let mut world_from_tool = Pose::identity();
        while frame != "world" {
            let edge = frames.iter().find(|edge| edge.child == frame).expect("a parent");
            world_from_tool = edge.parent_from_child * world_from_tool;
            frame = edge.parent.clone();
        }
        let names = pipeline.simulator().link_names();
        let index = names.iter().position(|name| name == "panda_hand_tcp").unwrap();
        let expected = snapshot.world_from_links[index];
        assert!((world_from_tool.translation.vector - expected.translation.vector).norm() < 1e-9);
    }

    #[test]
    fn a_missing_parameter_is_named() {
        let error = SimPipeline::new(&SimParameters::default()).err().unwrap().to_string();
        assert!(error.contains("robot_description_file"), "{error}");
    }
}
