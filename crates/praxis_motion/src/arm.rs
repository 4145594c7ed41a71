use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use praxis_collision::{Checker, Scene};
use praxis_geometry::Pose;
use praxis_planning::{BOUNDS_TOLERANCE, JointSpace, distance};
use praxis_robot::{IkMiss, IkRequest, IkSolver, Joint, JointKind, Robot};
use praxis_trajectory::{JointLimit, JointSample, LimitsFile};
use rand::{Rng, RngExt};

use crate::constraint::PoseConstraint;
use crate::error::{MotionError, Touching};

/// Bounds of a joint that has none: it may turn once either way.
const UNBOUNDED: (f64, f64) = (-std::f64::consts::TAU, std::f64::consts::TAU);
/// How far a slide is let go when its limits are left aside, metres.
const BOUNDLESS_SLIDE_M: f64 = 10.0;
/// Constraints are looked at this often along an edge, in radians.
const CONSTRAINT_STEP_RAD: f64 = 0.02;
/// Steps of one descent of inverse kinematics.
const IK_ITERATIONS: u32 = 80;

/// The joints of one group of the robot in one scene; everything else stays as it is.
pub(crate) struct Arm<'a> {
    pub(crate) robot: &'a Robot,
    checker: Checker<'a>,
    pub(crate) group: Vec<usize>,
    pub(crate) names: Vec<String>,
    pub(crate) bounds: Vec<(f64, f64)>,
    pub(crate) state: Vec<f64>,
    pub(crate) start: Vec<f64>,
    pub(crate) constraints: Vec<PoseConstraint>,
    ignores_collisions: bool,
    cancel: Option<&'a AtomicBool>,
    /// What every edge is called once the flag is up: what makes the work at hand end at once.
    cancelled_edge: bool,
}

impl<'a> Arm<'a> {
    pub fn new(
        robot: &'a Robot,
        scene: &'a Scene,
        group: &str,
        state: &[f64],
        limits: &BTreeMap<String, JointLimit>,
    ) -> Result<Self, MotionError> {
        let known = || robot.groups().iter().map(|group| group.name.clone()).collect();
        let joints = match robot.group(group) {
            Ok(found) if !found.joints.is_empty() => found.joints.as_slice(),
            _ => {
                let name = group.to_owned();
                return Err(MotionError::UnknownName { what: "group", name, known: known() });
            }
        };
        let dim = robot.joints().len();
        if state.len() != dim || state.iter().any(|v| !v.is_finite()) {
            let reason = format!("the start state needs {dim} finite values, got {state:?}");
            return Err(MotionError::BadRequest { reason });
        }
        let names: Vec<String> = joints.iter().map(|&j| robot.joints()[j].name.clone()).collect();
        let bounds = names
            .iter()
            .map(|name| match limits.get(name) {
                Some(limit) if limit.min_position.is_finite() => {
                    (limit.min_position, limit.max_position)
                }
                _ => UNBOUNDED,
            })
            .collect();
        let checker = Checker::new(robot, scene, joints, state)?;
        Ok(Self {
            robot,
            checker,
            group: joints.to_vec(),
            names,
            bounds,
            state: state.to_vec(),
            start: joints.iter().map(|&j| state[j]).collect(),
            constraints: Vec::new(),
            ignores_collisions: false,
            cancel: None,
            cancelled_edge: false,
        })
    }

    /// Whether a thin part of all configurations keeps the constraints.
    pub fn is_constrained(&self) -> bool {
        !self.constraints.is_empty()
    }

    /// Listens to a flag that another thread raises: then every edge is called not free, or free
    /// after [`Self::end_quickly_when_cancelled`], so that the work at hand ends within one edge.
    pub fn cancelled_by(mut self, cancel: Option<&'a AtomicBool>) -> Self {
        self.cancel = cancel;
        self
    }

    /// See [`Self::cancelled_by`]; nothing that comes out of a cancelled query may be used.
    pub fn end_quickly_when_cancelled(&mut self) {
        self.cancelled_edge = true;
    }

    /// From now on the group starts at `q`; everything else stays as it is. What is asked of an arm
    /// that was cancelled is answered as at first.
    pub fn restart(&mut self, q: &[f64]) {
        self.set(q);
        self.start = q.to_vec();
        self.cancelled_edge = false;
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// Takes every configuration to be free.
    pub fn ignoring_collisions(mut self) -> Self {
        self.ignores_collisions = true;
        self
    }

    /// Errors unless the start is within limits, free, and within the constraints.
    pub fn check_start(&mut self) -> Result<(), MotionError> {
        let start = self.start.clone();
        for (i, &position) in start.iter().enumerate() {
            let (min, max) = self.bounds[i];
            let excess = (min - position).max(position - max);
            if excess > BOUNDS_TOLERANCE {
                let joint = self.names[i].clone();
                return Err(MotionError::StartOutOfLimits { joint, position, excess, min, max });
            }
        }
        if let Some(touching) = self.touching(&start) {
            return Err(MotionError::StartInCollision(touching));
        }
        for constraint in &self.constraints {
            let pose = self.robot.link_pose(constraint.link, &self.state);
            if !constraint.holds(&pose) {
                let complaint = constraint.complaint(&pose);
                return Err(MotionError::StartViolatesConstraint { complaint });
            }
        }
        Ok(())
    }

    pub fn joint_names(&self) -> &[String] {
        &self.names
    }

    /// Indices of the group's joints in a full state.
    pub fn group(&self) -> &[usize] {
        &self.group
    }

    pub fn start(&self) -> &[f64] {
        &self.start
    }

    pub fn bounds_of(&self, index: usize) -> (f64, f64) {
        self.bounds[index]
    }

    pub fn joint_index(&self, joint: &str) -> Result<usize, MotionError> {
        self.names.iter().position(|name| name == joint).ok_or_else(|| MotionError::UnknownName {
            what: "joint of the group",
            name: joint.to_owned(),
            known: self.names.clone(),
        })
    }

    pub fn is_prismatic(&self, index: usize) -> bool {
        self.robot.joints()[self.group[index]].kind == JointKind::Prismatic
    }

    pub fn link(&self, name: &str) -> Result<usize, MotionError> {
        self.robot.link_index(name).map_err(|_| unknown_link(self.robot, name))
    }

    pub fn link_pose(&mut self, link: usize, q: &[f64]) -> Pose {
        self.set(q);
        self.robot.link_pose(link, &self.state)
    }

    pub fn touches_nothing(&mut self, q: &[f64]) -> bool {
        self.ignores_collisions || self.checker.is_free(q)
    }

    pub fn touching(&mut self, q: &[f64]) -> Option<Touching> {
        // Who touches whom is worked out only where something does: that looks at every point.
        if self.touches_nothing(q) {
            return None;
        }
        let contact = self.checker.first_contact(q)?;
        let (first, second) = (contact.first, contact.second);
        Some(Touching { first, second, depth_m: contact.depth_m })
    }

    /// What is touched first on the way from `a` to `b`, which is known not to be free.
    pub fn touching_along(&mut self, a: &[f64], b: &[f64]) -> Touching {
        let steps = (distance(a, b) / 0.002).ceil().max(1.0) as usize;
        for step in 1..=steps {
            let share = step as f64 / steps as f64;
            let q: Vec<f64> = a.iter().zip(b).map(|(a, b)| a + share * (b - a)).collect();
            if let Some(touching) = self.touching(&q) {
                return touching;
            }
        }
        let what = "a path constraint, or less than a sample's width";
        Touching { first: "the group".into(), second: what.into(), depth_m: 0.0 }
    }

    pub fn keeps_constraints(&mut self, q: &[f64]) -> bool {
        self.set(q);
        let robot = self.robot;
        self.constraints.iter().all(|c| c.holds(&robot.link_pose(c.link, &self.state)))
    }

    pub fn random_configuration(&self, random: &mut impl Rng) -> Vec<f64> {
        self.bounds.iter().map(|&(min, max)| random.random_range(min..=max)).collect()
    }

    /// Inverse kinematics of the group, all other joints as at the start.
    pub fn ik_solver(&self, link: usize) -> IkSolver {
        IkSolver::new(self.robot, &self.group, link, &self.state, Some(&self.bounds))
    }

    /// Inverse kinematics as if no joint had limits.
    pub fn boundless_ik_solver(&self, link: usize) -> IkSolver {
        let bounds: Vec<(f64, f64)> = (0..self.group.len())
            .map(|joint| match self.is_prismatic(joint) {
                true => (-BOUNDLESS_SLIDE_M, BOUNDLESS_SLIDE_M),
                false => UNBOUNDED,
            })
            .collect();
        IkSolver::new(self.robot, &self.group, link, &self.state, Some(&bounds))
    }

    pub fn is_continuous(&self, index: usize) -> bool {
        self.robot.joints()[self.group[index]].kind == JointKind::Continuous
    }

    /// Torques that a state of the group asks for, everything else at rest; and the group's limits.
    pub fn torques(&mut self, sample: &JointSample, gravity: [f64; 3]) -> Vec<f64> {
        self.set(&sample.position);
        let mut velocity = vec![0.0; self.state.len()];
        let mut acceleration = velocity.clone();
        for (k, &joint) in self.group.iter().enumerate() {
            velocity[joint] = sample.velocity[k];
            acceleration[joint] = sample.acceleration[k];
        }
        let all = self.robot.inverse_dynamics(&self.state, &velocity, &acceleration, gravity);
        self.group.iter().map(|&joint| all[joint]).collect()
    }

    /// Greatest torques of the group's joints; infinite where the description gives none.
    pub fn most_torques(&self) -> Vec<f64> {
        let most = |&joint: &usize| match self.robot.joints()[joint].effort {
            effort if effort > 0.0 => effort,
            _ => f64::MAX,
        };
        self.group.iter().map(most).collect()
    }

    /// The configuration nearest to `seed` (by descent) at which the link is at `target`.
    pub fn solve_ik(
        &mut self,
        link: usize,
        target: &Pose,
        seed: &[f64],
    ) -> Result<Vec<f64>, IkMiss> {
        self.set(seed);
        let state = self.robot.solve_ik(&IkRequest {
            joints: &self.group,
            link,
            root_from_link: target,
            seed: &self.state,
            bounds: Some(&self.bounds),
            max_iterations: IK_ITERATIONS,
        })?;
        Ok(self.group.iter().map(|&j| state[j]).collect())
    }

    /// The state of the whole robot with the group at `q`.
    pub fn full_state(&mut self, q: &[f64]) -> Vec<f64> {
        self.set(q);
        self.state.clone()
    }

    pub(crate) fn set(&mut self, q: &[f64]) {
        for (&index, &value) in self.group.iter().zip(q) {
            self.state[index] = value;
        }
    }
}

impl JointSpace for Arm<'_> {
    fn dim(&self) -> usize {
        self.group.len()
    }

    fn bounds(&self) -> &[(f64, f64)] {
        &self.bounds
    }

    fn is_free(&mut self, q: &[f64]) -> bool {
        self.touches_nothing(q) && self.keeps_constraints(q)
    }

    fn free_among(&mut self, qs: &[f64]) -> u32 {
        let dim = self.dim();
        let all = (1_u64 << (qs.len() / dim)) - 1;
        let free = if self.ignores_collisions { all as u32 } else { self.checker.free_among(qs) };
        if self.constraints.is_empty() {
            return free;
        }
        let mut keeping = 0;
        for (k, q) in qs.chunks_exact(dim).enumerate() {
            keeping |= u32::from(free >> k & 1 == 1 && self.keeps_constraints(q)) << k;
        }
        keeping
    }

    fn edge_is_free(&mut self, a: &[f64], b: &[f64]) -> bool {
        if self.is_cancelled() {
            return self.cancelled_edge;
        }
        if !self.constraints.is_empty() {
            let steps = (distance(a, b) / CONSTRAINT_STEP_RAD).ceil().max(1.0) as usize;
            for step in 1..=steps {
                let share = step as f64 / steps as f64;
                let q: Vec<f64> = a.iter().zip(b).map(|(a, b)| a + share * (b - a)).collect();
                if !self.keeps_constraints(&q) {
                    return false;
                }
            }
        }
        self.ignores_collisions || self.checker.edge_is_free(a, b)
    }
}

fn unknown_link(robot: &Robot, name: &str) -> MotionError {
    let known = robot.links().iter().map(|link| link.name.clone()).collect();
    MotionError::UnknownName { what: "link", name: name.to_owned(), known }
}

/// Limits of all joints of a state, by name.
pub(crate) fn limits_by_joint(robot: &Robot, file: &LimitsFile) -> BTreeMap<String, JointLimit> {
    let limit = |joint: &Joint| {
        let bounds = (joint.lower, joint.upper);
        let limit = file.joint(&joint.name).tighten(bounds, Some(joint.velocity))?;
        Some((joint.name.clone(), limit))
    };
    robot.joints().iter().filter_map(limit).collect()
}
