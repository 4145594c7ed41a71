use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use praxis_collision::Scene;
use praxis_planning::{
    Budget, Found, JointSpace, PlanError, ProjectedConfig, RoadmapConfig, RrtConnect,
    RrtConnectConfig, SimplifyConfig, simplify,
};
use praxis_robot::{EARTH_GRAVITY, Robot};
use praxis_trajectory::{JointLimit, JointLimits, LimitsFile, Trajectory};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::arm::Arm;
use crate::cartesian::{self, CartesianEnd, CartesianRequest};
use crate::constraint::PathConstraint;
use crate::error::MotionError;
use crate::goal;
use crate::request::{Goal, MotionRequest, PoseGoal};
use crate::retime::time_free_path;
use crate::search::{KeptRoadmap, Search};

/// How motions are planned.
#[derive(Clone, Debug, PartialEq)]
pub struct MotionConfig {
    /// How the search grows.
    pub search: RrtConnectConfig,
    /// How paths are shortened.
    pub simplify: SimplifyConfig,
    /// Most iterations of the search.
    pub max_iterations: u32,
    /// How far from its waypoint a corner may be rounded, in radians of joint space.
    pub corner_deviation_rad: f64,
    /// How far from the solved configurations a Cartesian path may be rounded.
    pub cartesian_deviation_rad: f64,
    /// How searches along path constraints step.
    pub projected: ProjectedConfig,
    /// How roadmaps grow that [`Search::Roadmap`] keeps.
    pub roadmap: RoadmapConfig,
    /// Whether motions keep the joints' greatest torques too, as the description's masses tell.
    pub within_torques: bool,
    /// What pulls at masses, in the robot's root frame, metres per second squared.
    pub gravity: [f64; 3],
    /// Share of the velocity limits where a request gives none.
    pub default_velocity_scaling: f64,
    /// Share of the acceleration limits where a request gives none.
    pub default_acceleration_scaling: f64,
}

impl Default for MotionConfig {
    fn default() -> Self {
        Self {
            search: RrtConnectConfig::default(),
            simplify: SimplifyConfig::default(),
            max_iterations: 1_000_000,
            corner_deviation_rad: 0.2,
            cartesian_deviation_rad: 0.002,
            projected: ProjectedConfig::default(),
            roadmap: RoadmapConfig::default(),
            within_torques: false,
            gravity: EARTH_GRAVITY,
            default_velocity_scaling: 1.0,
            default_acceleration_scaling: 1.0,
        }
    }
}

/// Where the planning time went.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timings {
    /// Checks of the start, inverse kinematics and checks of goals.
    pub goals: Duration,
    /// Search.
    pub search: Duration,
    /// Shortening.
    pub simplify: Duration,
    /// Timing and the checks of rounded corners.
    pub timing: Duration,
}

impl Timings {
    /// All of it.
    pub fn total(&self) -> Duration {
        self.goals + self.search + self.simplify + self.timing
    }
}

/// A checked, timed motion.
#[derive(Clone, Debug, PartialEq)]
pub struct Motion {
    /// The motion of the group's joints, from rest to rest.
    pub trajectory: Trajectory,
    /// The free path that it follows.
    pub path: Vec<Vec<f64>>,
    /// Which goal of the request it reaches.
    pub goal: usize,
    /// Where the planning time went.
    pub timings: Timings,
}

/// A timed motion along straight lines, as far as it goes.
#[derive(Clone, Debug, PartialEq)]
pub struct CartesianMotion {
    /// The motion of the group's joints, from rest to rest.
    pub trajectory: Trajectory,
    /// Share of the way that it covers.
    pub fraction: f64,
    /// Why it ends there.
    pub end: CartesianEnd,
}

/// Plans motions of one robot.
#[derive(Clone, Debug)]
pub struct MotionPlanner {
    robot: Arc<Robot>,
    limits: BTreeMap<String, JointLimit>,
    pub(crate) config: MotionConfig,
    pub(crate) search: RrtConnect,
    pub(crate) kept: Option<KeptRoadmap>,
}

impl MotionPlanner {
    /// A planner for a robot; limits that the file does not give come from its description.
    pub fn new(
        robot: Arc<Robot>,
        limits: &LimitsFile,
        mut config: MotionConfig,
    ) -> Result<Self, MotionError> {
        if let Some(factor) = limits.default_velocity_scaling {
            config.default_velocity_scaling = factor;
        }
        if let Some(factor) = limits.default_acceleration_scaling {
            config.default_acceleration_scaling = factor;
        }
        let limits = crate::arm::limits_by_joint(&robot, limits);
        JointLimits::new(limits.values().copied().collect())?;
        let search = RrtConnect::new(config.search.clone());
        Ok(Self { robot, limits, config, search, kept: None })
    }

    /// The robot.
    pub fn robot(&self) -> &Arc<Robot> {
        &self.robot
    }

    /// Limits of all joints, by name.
    pub(crate) fn limits(&self) -> &BTreeMap<String, JointLimit> {
        &self.limits
    }

    /// Limits of joints in the given order, scaled; a scaling of zero means the default.
    pub fn limits_of(
        &self,
        joints: &[String],
        velocity_scaling: f64,
        acceleration_scaling: f64,
    ) -> Result<JointLimits, MotionError> {
        let of = |joint: &String| {
            self.limits.get(joint).copied().ok_or_else(|| MotionError::UnknownName {
                what: "joint",
                name: joint.clone(),
                known: self.limits.keys().cloned().collect(),
            })
        };
        let limits = JointLimits::new(joints.iter().map(of).collect::<Result<_, _>>()?)?;
        let or = |factor: f64, default: f64| if factor == 0.0 { default } else { factor.min(1.0) };
        Ok(limits.scaled(
            or(velocity_scaling, self.config.default_velocity_scaling),
            or(acceleration_scaling, self.config.default_acceleration_scaling),
        )?)
    }

    /// From goal and scene to a checked, timed motion.
    pub fn plan(
        &mut self,
        request: &MotionRequest<'_>,
        scene: &Scene,
    ) -> Result<Motion, MotionError> {
        self.plan_by(Search::Quick, request, scene)
    }

    /// The same, the path searched in another way.
    pub fn plan_by(
        &mut self,
        search: Search,
        request: &MotionRequest<'_>,
        scene: &Scene,
    ) -> Result<Motion, MotionError> {
        let begun = Instant::now();
        let robot = Arc::clone(&self.robot);
        let mut arm = Arm::new(&robot, scene, &request.group, &request.start, &self.limits)?
            .constrained(&request.constraints)?
            .cancelled_by(request.cancel);
        let shortening = self.config.simplify.clone();
        self.plan_on(&mut arm, search, request, &shortening, begun)
    }

    /// The same for an arm that has been set up for the request and stands at its start.
    pub(crate) fn plan_on(
        &mut self,
        arm: &mut Arm<'_>,
        search: Search,
        request: &MotionRequest<'_>,
        shortening: &SimplifyConfig,
        begun: Instant,
    ) -> Result<Motion, MotionError> {
        let mut timings = Timings::default();
        let names = arm.joint_names().to_vec();
        let limits =
            self.limits_of(&names, request.velocity_scaling, request.acceleration_scaling)?;
        arm.check_start()?;
        let start = arm.start().to_vec();
        let budget = Budget {
            max_iterations: self.config.max_iterations,
            deadline: Some(begun + request.time_budget),
            cancel: request.cancel,
        };
        let goals = Goals::of(arm, request, &start, &budget)?;
        timings.goals = begun.elapsed();

        let searching = Instant::now();
        let found = self
            .find(search, arm, request, &goals, &budget)
            .map_err(|error| no_path(error, begun))?;
        timings.search = searching.elapsed();

        let simplifying = Instant::now();
        let Found { mut path, goal, .. } = found;
        simplify(arm, &mut path, shortening, request.seed, &budget);
        timings.simplify = simplifying.elapsed();

        let timing = Instant::now();
        if budget.is_cancelled() {
            return Err(MotionError::Cancelled);
        }
        arm.end_quickly_when_cancelled();
        let deviation_rad = self.config.corner_deviation_rad;
        let trajectory = self.time(arm, &names, &path, &limits, deviation_rad)?;
        timings.timing = timing.elapsed();
        if budget.is_cancelled() {
            return Err(MotionError::Cancelled);
        }
        Ok(Motion { trajectory, path, goal: goals.owners[goal], timings })
    }

    /// Times a free path within all limits, torques too where the configuration asks for it.
    pub(crate) fn time(
        &self,
        arm: &mut Arm<'_>,
        names: &[String],
        path: &[Vec<f64>],
        limits: &JointLimits,
        deviation_rad: f64,
    ) -> Result<Trajectory, MotionError> {
        if !self.config.within_torques {
            return Ok(time_free_path(arm, names, path, limits, deviation_rad)?);
        }
        let most_torques = arm.most_torques();
        let arm = RefCell::new(arm);
        Ok(praxis_trajectory::time_free_path_within_torques(
            names,
            path,
            limits,
            deviation_rad,
            &most_torques,
            &mut |state| arm.borrow_mut().torques(state, self.config.gravity),
            |a, b| arm.borrow_mut().edge_is_free(a, b),
        )?)
    }

    /// A full state of the robot that brings a link to a pose; free where a scene is given. The
    /// configuration nearest to `state` of those found is taken.
    pub fn inverse_kinematics(
        &self,
        state: &[f64],
        group: &str,
        pose: &PoseGoal,
        scene: Option<&Scene>,
        seed: u64,
    ) -> Result<Vec<f64>, MotionError> {
        let nothing = Scene::default();
        let mut arm = Arm::new(&self.robot, scene.unwrap_or(&nothing), group, state, &self.limits)?;
        if scene.is_none() {
            arm = arm.ignoring_collisions();
        }
        let start = arm.start().to_vec();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let goal = Goal::Pose(pose.clone());
        let found = goal::configurations(&mut arm, &goal, &start, &mut random)?;
        Ok(arm.full_state(&found.nearest[0]))
    }

    /// Leads a link along straight lines as far as it goes.
    pub fn cartesian_path(
        &mut self,
        request: &CartesianRequest,
        constraints: &[impl Clone + Into<PathConstraint>],
        scene: &Scene,
    ) -> Result<CartesianMotion, MotionError> {
        let constraints: Vec<PathConstraint> =
            constraints.iter().cloned().map(Into::into).collect();
        let mut arm = Arm::new(&self.robot, scene, &request.group, &request.start, &self.limits)?
            .constrained(&constraints)?;
        let names = arm.joint_names().to_vec();
        let limits =
            self.limits_of(&names, request.velocity_scaling, request.acceleration_scaling)?;
        if request.avoid_collisions {
            arm.check_start()?;
        }
        let (path, fraction, end) = cartesian::follow(&mut arm, request)?;
        let deviation_rad = self.config.cartesian_deviation_rad;
        let trajectory = if request.avoid_collisions {
            self.time(&mut arm, &names, &path, &limits, deviation_rad)?
        } else {
            praxis_trajectory::time_path(names, &path, &limits, deviation_rad)?
        };
        Ok(CartesianMotion { trajectory, fraction, end })
    }
}

/// Free configurations of all goals. Goals that cannot be met are left out as long as one can.
pub(crate) struct Goals {
    /// Those to go to first, then the others.
    pub configurations: Vec<Vec<f64>>,
    /// Which goal of the request each belongs to.
    pub owners: Vec<usize>,
    /// How many come first.
    pub first: usize,
}

impl Goals {
    fn of(
        arm: &mut Arm<'_>,
        request: &MotionRequest<'_>,
        start: &[f64],
        budget: &Budget<'_>,
    ) -> Result<Self, MotionError> {
        let mut random = ChaCha8Rng::seed_from_u64(request.seed);
        let (mut first, mut others) = (Vec::new(), Vec::new());
        let mut first_error = None;
        for (index, goal) in request.goals.iter().enumerate() {
            if budget.is_cancelled() {
                return Err(MotionError::Cancelled);
            }
            match goal::configurations(arm, goal, start, &mut random) {
                Ok(found) => {
                    first.extend(found.nearest.into_iter().map(|q| (index, q)));
                    others.extend(found.others.into_iter().map(|q| (index, q)));
                }
                Err(MotionError::Cancelled) => return Err(MotionError::Cancelled),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        match (first.len(), first_error) {
            (0, Some(error)) => Err(error),
            (0, None) => Err(MotionError::BadRequest { reason: "no goal was given".to_owned() }),
            (count, _) => {
                let (owners, configurations) = first.into_iter().chain(others).unzip();
                Ok(Self { configurations, owners, first: count })
            }
        }
    }
}

fn no_path(error: PlanError, begun: Instant) -> MotionError {
    match error {
        PlanError::Cancelled { .. } => MotionError::Cancelled,
        reason => MotionError::NoPath { reason, time_s: begun.elapsed().as_secs_f64() },
    }
}
