use nalgebra::{DVector, Point2};
use praxis_geometry::Pose;
use praxis_trajectory::LimitsFile;
use praxis_world::{Conveyor, ObjectInstance, World};

use crate::command::{CommandTimeline, JointCommand};
use crate::description::{Mimic, RobotDescription};
use crate::driver::{ArmReference, DriverConfig, FingerServo, Reference};
use crate::error::{CommandError, SimError};
use crate::intruder::{Intruder, IntruderConfig, Sight};
use crate::judge::{Judge, Observation, Truth};
use crate::limits::JointLimits;
use crate::mjcf::PhysicsConfig;
use crate::physics::{Contact, Physics};
use crate::pick_judge::PickGoal;
use crate::reach_judge::ReachGoals;

/// What is simulated, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct SimConfig {
    /// Numbers of the physics.
    pub physics: PhysicsConfig,
    /// Numbers of the driver.
    pub driver: DriverConfig,
    /// Joints that commands name, in their order. Empty: all that move on their own and are no
    /// fingers. What is left over is held where it starts.
    pub arm_joints: Vec<String>,
    /// Joints of the fingers; they move together, the first one is commanded.
    pub finger_joints: Vec<String>,
    /// Link whose frame lies between the finger tips, y along the opening.
    pub tool_link: String,
    /// Where the arm starts, in the order of its joints; padded with zeros, cut if too long.
    pub start_positions: Vec<f64>,
    /// Where the fingers start, metres.
    pub start_finger_m: f64,
    /// Which layout.
    pub seed: u64,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            physics: PhysicsConfig::default(),
            driver: DriverConfig::default(),
            arm_joints: Vec::new(),
            finger_joints: vec!["panda_finger_joint1".into(), "panda_finger_joint2".into()],
            tool_link: "panda_hand_tcp".into(),
            start_positions: vec![0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785],
            start_finger_m: 0.035,
            seed: 1,
        }
    }
}

/// State of all joints that move, in the order of [`Simulator::joint_names`].
#[derive(Clone, Debug, PartialEq)]
pub struct JointStates {
    /// Simulated time, seconds.
    pub time_s: f64,
    /// Radians or metres.
    pub positions: Vec<f64>,
    /// Radians or metres a second.
    pub velocities: Vec<f64>,
    /// Newton metres or newtons.
    pub efforts: Vec<f64>,
}

/// Where everything is at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Simulated time, seconds.
    pub time_s: f64,
    /// Links, in the order of [`Simulator::link_names`].
    pub world_from_links: Vec<Pose>,
    /// Objects, in the order of [`Simulator::objects`].
    pub world_from_objects: Vec<Pose>,
}

/// A robot with its driver in a world, and the judge that watches.
pub struct Simulator {
    physics: Physics,
    config: SimConfig,
    objects: Vec<ObjectInstance>,
    joint_names: Vec<String>,
    link_names: Vec<String>,
    link_parents: Vec<Option<usize>>,
    arm: Vec<usize>,
    fingers: Vec<usize>,
    /// Joints that nobody commands, and where they are held.
    parked: Vec<(usize, f64)>,
    arm_names: Vec<String>,
    max_efforts: Vec<f64>,
    tool_link: usize,
    timeline: CommandTimeline,
    reference: ArmReference,
    finger_servo: FingerServo,
    judge: Judge,
    /// Which object is thrust into the way, and by whom.
    intruder: Option<(usize, Intruder)>,
    /// A conveyor and its middle.
    conveyor: Option<(Point2<f64>, Conveyor)>,
    goals: Vec<Pose>,
}

impl Simulator {
    /// Builds the world of `config.seed` with the robot at its start.
    pub fn new(
        robot: &RobotDescription,
        limits: &LimitsFile,
        world: &World,
        config: SimConfig,
    ) -> Result<Self, SimError> {
        let objects = world.layout(config.seed)?;
        Self::with_objects(robot, limits, world, objects, config)
    }

    /// As [`Simulator::new`], with a box that is thrust into the arm's way.
    pub fn with_intruder(
        robot: &RobotDescription,
        limits: &LimitsFile,
        world: &World,
        intruder: IntruderConfig,
        config: SimConfig,
    ) -> Result<Self, SimError> {
        let mut objects = world.layout(config.seed)?;
        let thrusts = intruder.thrusts;
        let intruder = Intruder::new(intruder, config.seed);
        objects.push(intruder.object());
        let index = objects.len() - 1;
        let mut simulator = Self::with_objects(robot, limits, world, objects, config)?;
        simulator.intruder = Some((index, intruder));
        if let Some(total) = thrusts {
            simulator.judge.count_thrusts(total);
        }
        Ok(simulator)
    }

    /// As [`Simulator::new`], with objects of the caller's choice.
    pub fn with_objects(
        robot: &RobotDescription,
        limits: &LimitsFile,
        world: &World,
        objects: Vec<ObjectInstance>,
        config: SimConfig,
    ) -> Result<Self, SimError> {
        let joints: Vec<_> = robot.moving_joints().collect();
        let joint_names: Vec<String> = joints.iter().map(|joint| joint.name.clone()).collect();
        let joint_index = |name: &String| {
            let missing = || SimError::Unknown { kind: "joint", name: name.clone() };
            joint_names.iter().position(|other| other == name).ok_or_else(missing)
        };
        let fingers: Vec<usize> =
            config.finger_joints.iter().map(joint_index).collect::<Result<_, _>>()?;
        let is_arm = |index: &usize| !fingers.contains(index) && joints[*index].mimics.is_none();
        let arm: Vec<usize> = if config.arm_joints.is_empty() {
            (0..joints.len()).filter(is_arm).collect()
        } else {
            config.arm_joints.iter().map(joint_index).collect::<Result<_, _>>()?
        };
        let link_names: Vec<String> = robot.links.iter().map(|link| link.name.clone()).collect();
        let tool_link = link_names
            .iter()
            .position(|name| *name == config.tool_link)
            .ok_or_else(|| SimError::Unknown { kind: "link", name: config.tool_link.clone() })?;
        let finger_links: Vec<usize> = (0..robot.links.len())
            .filter(|&link| {
                let joint = robot.links[link].joint.as_ref();
                joint.is_some_and(|joint| config.finger_joints.contains(&joint.name))
            })
            .collect();

        let joint_limits: Vec<JointLimits> =
            joints.iter().map(|joint| JointLimits::of(joint, limits)).collect();
        let fixed = world.fixed_boxes();
        let finger_names: Vec<String> =
            finger_links.iter().map(|&link| link_names[link].clone()).collect();
        let conveyor = world.conveyor.clone();
        let mut physics = Physics::new(
            robot,
            &finger_names,
            &fixed,
            conveyor.as_ref(),
            &objects,
            &config.physics,
        )?;
        let conveyor = conveyor.and_then(|conveyor| {
            let belt = fixed.iter().find(|fixed| fixed.id == conveyor.id)?;
            Some((belt.world_from_box.translation.vector.xy().into(), conveyor))
        });

        let mut start = vec![0.0; joints.len()];
        for (slot, &position) in arm.iter().zip(&config.start_positions) {
            start[*slot] = position;
        }
        for &finger in &fingers {
            start[finger] = config.start_finger_m;
        }
        let parked: Vec<usize> =
            (0..joints.len()).filter(|index| is_arm(index) && !arm.contains(index)).collect();
        for &index in &parked {
            start[index] = 0.0_f64.clamp(joints[index].range[0], joints[index].range[1]);
        }
        for (index, joint) in joints.iter().enumerate() {
            if let Some(Mimic { joint: copied, multiplier, offset }) = &joint.mimics
                && !fingers.contains(&index)
            {
                start[index] = multiplier * start[joint_index(copied)?] + offset;
            }
        }
        for (joint, &position) in joints.iter().zip(&start) {
            let [lower, upper] = joint.range;
            if !(lower..=upper).contains(&position) {
                let joint = joint.name.clone();
                return Err(SimError::StartOutsideLimits { joint, position, lower, upper });
            }
        }
        physics.set_positions(&start);

        let in_judge_order: Vec<usize> = arm.iter().chain(&fingers).copied().collect();
        let judge = Judge::new(
            link_names.clone(),
            finger_links,
            arm.len(),
            in_judge_order
                .iter()
                .map(|&joint| (joint_names[joint].clone(), joint_limits[joint].clone()))
                .collect(),
            &fixed,
            &world.bins,
            &objects,
        );
        let arm_start: Vec<f64> = arm.iter().map(|&joint| start[joint]).collect();
        let arm_limits: Vec<JointLimits> =
            arm.iter().map(|&joint| joint_limits[joint].clone()).collect();
        let finger_range = fingers.first().map_or([0.0, 0.0], |&joint| joints[joint].range);
        Ok(Self {
            arm_names: arm.iter().map(|&joint| joint_names[joint].clone()).collect(),
            max_efforts: joints.iter().map(|joint| joint.max_effort).collect(),
            link_parents: robot.links.iter().map(|link| link.parent).collect(),
            timeline: CommandTimeline::default(),
            reference: ArmReference::new(&arm_start, &arm_limits, &config.driver),
            finger_servo: FingerServo::new(
                config.start_finger_m,
                finger_range,
                config.physics.finger_drive_mass_kg,
                &config.driver,
            ),
            physics,
            objects,
            joint_names,
            link_names,
            parked: parked.iter().map(|&index| (index, start[index])).collect(),
            arm,
            fingers,
            tool_link,
            judge,
            intruder: None,
            conveyor,
            goals: Vec::new(),
            config,
        })
    }

    /// Takes a command to arm, fingers or both; it acts from the next step on.
    pub fn command(&mut self, command: &JointCommand) -> Result<(), CommandError> {
        let (arm, fingers) = command.split(&self.arm_names, &self.config.finger_joints)?;
        if let Some(target) = arm {
            let now_s = self.physics.time_s();
            if !self.reference.is_following() {
                self.timeline.restart();
                self.judge.stream_restarted();
            }
            let is_new = !self.reference.is_following();
            let mut timed = self.timeline.place(target, now_s);
            if is_new {
                // A stream starts where the arm is; anything else is a jump.
                let here = &self.reference.now().positions;
                timed.jump_rad = timed
                    .positions
                    .iter()
                    .zip(here.iter())
                    .map(|(there, here)| (there - here).abs() - START_TOLERANCE_RAD)
                    .fold(0.0, f64::max);
            }
            self.judge.command(now_s, &timed);
            self.reference.take(timed);
        }
        if let Some(target) = fingers {
            self.finger_servo.take(target);
        }
        Ok(())
    }

    /// One physics step: driver, physics, judge.
    pub fn step(&mut self) {
        let step_s = self.config.physics.timestep_s;
        self.reference.advance(step_s);
        let (positions, velocities) = (self.physics.positions(), self.physics.velocities());
        let efforts = self.efforts(step_s, &positions, &velocities);
        self.physics.set_efforts(&efforts);
        self.intrude(step_s, &velocities);
        self.put_back();
        self.physics.step();
        self.observe();
    }

    fn efforts(&mut self, step_s: f64, positions: &[f64], velocities: &[f64]) -> Vec<f64> {
        let mut efforts = self.physics.compensation();
        let bandwidth = self.config.driver.bandwidth_rad_per_s;
        let Reference { positions: wanted, velocities: wanted_velocities, accelerations } =
            self.reference.now();
        let acceleration = DVector::from_fn(self.arm.len(), |joint, _| {
            let slot = self.arm[joint];
            accelerations[joint]
                + bandwidth * bandwidth * (wanted[joint] - positions[slot])
                + 2.0 * bandwidth * (wanted_velocities[joint] - velocities[slot])
        });
        let inertia = self.physics.inertia(self.joint_names.len());
        for &(slot, held) in &self.parked {
            let back = bandwidth * bandwidth * (held - positions[slot])
                - 2.0 * bandwidth * velocities[slot];
            efforts[slot] += inertia[(slot, slot)] * back;
        }
        let torques = inertia.select_rows(&self.arm).select_columns(&self.arm) * acceleration;
        for (joint, &slot) in self.arm.iter().enumerate() {
            efforts[slot] += torques[joint];
        }
        for (number, &slot) in self.fingers.iter().enumerate() {
            if number == 0 {
                let mean_m = self.fingers.iter().map(|&slot| positions[slot]).sum::<f64>()
                    / self.fingers.len() as f64;
                self.finger_servo.advance(step_s, mean_m);
            }
            efforts[slot] += self.finger_servo.force_n(positions[slot], velocities[slot]);
        }
        for (effort, limit) in efforts.iter_mut().zip(&self.max_efforts) {
            *effort = effort.clamp(-limit, *limit);
        }
        efforts
    }

    fn intrude(&mut self, step_s: f64, velocities: &[f64]) {
        let Some((object, intruder)) = &mut self.intruder else { return };
        let reached = self.judge.reached();
        let fastest = self.arm.iter().map(|&slot| velocities[slot].abs()).fold(0.0, f64::max);
        let seen = Sight {
            now_s: self.physics.time_s(),
            tool_in_world: self.physics.link_pose(self.tool_link).translation.vector,
            speed: fastest,
            reached,
            goal_in_world: self.goals.get(reached).map(|goal| goal.translation.vector),
        };
        intruder.step(&seen, step_s);
        self.physics.set_object_pose(*object, &intruder.pose());
        self.judge.set_thrusts(intruder.thrusts());
    }

    /// What the conveyor has carried to its end begins anew, unless the fingers hold it.
    fn put_back(&mut self) {
        let Some((middle, conveyor)) = &self.conveyor else { return };
        let held = self.judge.held();
        for object in (0..self.objects.len()).filter(|&object| held != Some(object)) {
            let mut pose = self.physics.object_pose(object);
            let place = pose.translation.vector.xy() - middle.coords;
            if let Some(back) = conveyor.put_back(&place.into()) {
                let back = middle + back.coords;
                (pose.translation.x, pose.translation.y) = (back.x, back.y);
                self.physics.set_object_pose(object, &pose);
            }
        }
    }

    fn observe(&mut self) {
        let contacts: Vec<Contact> = self.physics.contacts().collect();
        let (positions, velocities) = (self.physics.positions(), self.physics.velocities());
        let in_judge_order = |values: &[f64]| -> Vec<f64> {
            self.arm.iter().chain(&self.fingers).map(|&slot| values[slot]).collect()
        };
        let object_velocities: Vec<_> =
            (0..self.objects.len()).map(|object| self.physics.object_velocity(object)).collect();
        self.judge.observe(&Observation {
            now_s: self.physics.time_s(),
            contacts: &contacts,
            world_from_tool: self.physics.link_pose(self.tool_link),
            object_poses: &self.physics.object_poses(),
            object_velocities: &object_velocities,
            positions: &in_judge_order(&positions),
            velocities: &in_judge_order(&velocities),
        });
    }

    /// Simulated seconds since the start.
    pub fn time_s(&self) -> f64 {
        self.physics.time_s()
    }

    /// Length of a step, seconds.
    pub fn timestep_s(&self) -> f64 {
        self.config.physics.timestep_s
    }

    /// All joints that move: the order of [`JointStates`].
    pub fn joint_names(&self) -> &[String] {
        &self.joint_names
    }

    /// The arm's joints, in order.
    pub fn arm_names(&self) -> &[String] {
        &self.arm_names
    }

    /// All links, parents before children.
    pub fn link_names(&self) -> &[String] {
        &self.link_names
    }

    /// Parent of each link, by index.
    pub fn link_parents(&self) -> &[Option<usize>] {
        &self.link_parents
    }

    /// The objects as they were laid out.
    pub fn objects(&self) -> &[ObjectInstance] {
        &self.objects
    }

    /// Joint positions, velocities and efforts.
    pub fn joint_states(&self) -> JointStates {
        JointStates {
            time_s: self.physics.time_s(),
            positions: self.physics.positions(),
            velocities: self.physics.velocities(),
            efforts: self.physics.efforts(),
        }
    }

    /// Where everything is: for cameras and tf.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            time_s: self.physics.time_s(),
            world_from_links: self.physics.link_poses(),
            world_from_objects: self.physics.object_poses(),
        }
    }

    /// Where the driver wants the arm.
    pub fn reference(&self) -> &Reference {
        self.reference.now()
    }

    /// Whether a command stream is being followed; otherwise the arm brakes or holds.
    pub fn is_following(&self) -> bool {
        self.reference.is_following()
    }

    /// From now on the judge counts poses that the tool reaches instead of objects.
    pub fn set_goals(&mut self, goals: ReachGoals) {
        self.goals = goals.world_from_tool.clone();
        self.judge.set_goals(goals);
    }

    /// From now on the judge waits for an object that is lifted and held.
    pub fn set_pick(&mut self, goal: PickGoal) {
        self.judge.set_pick(goal);
    }

    /// What the judge has seen.
    pub fn truth(&self) -> &Truth {
        self.judge.truth()
    }

    /// Index of the object in the fingers, if any.
    pub fn held_object(&self) -> Option<usize> {
        self.judge.held()
    }
}

/// A new command stream may start this far from where the arm is held, radians.
const START_TOLERANCE_RAD: f64 = 0.02;
