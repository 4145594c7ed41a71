use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use nalgebra::Point3;
use praxis_collision::{Checker, Contact, PointCloud, Scene};
use praxis_motion::{MotionConfig, time_free_path};
use praxis_planning::{Budget, Endpoint, JointSpace, PlanError, RrtConnect, simplify};
use praxis_robot::Robot;
use praxis_trajectory::{JointLimits, Trajectory};

use crate::cloud;
use crate::line::Line;
use crate::problems::{Problem, ProblemFile};
use crate::stopwatch::{Stopwatch, timed};

/// Points of a cloud.
pub const CLOUD_POINTS: usize = 50_000;
/// Every point of a cloud is a ball of this radius, metres.
pub const POINT_RADIUS_M: f32 = 0.0025;

/// The planner under test: solves problems of one robot one after another, on this thread.
pub struct Solver<'a> {
    robot: &'a Robot,
    joints: Vec<usize>,
    names: Vec<String>,
    bounds: Vec<(f64, f64)>,
    limits: Option<&'a JointLimits>,
    config: MotionConfig,
    search: RrtConnect,
    settings: Settings,
}

/// How problems are posed.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Obstacles as points on their surfaces.
    pub as_cloud: bool,
    /// Seed of search and shortening.
    pub seed: u64,
    /// Wall time after which a search gives up.
    pub time_limit: Duration,
}

/// What the planner made of a problem.
pub struct Solved {
    /// The figures.
    pub line: Line,
    /// The timed motion, if there are limits and a path.
    pub motion: Option<Trajectory>,
}

impl<'a> Solver<'a> {
    /// Prepares a robot for the problems of a file; without limits no path is timed.
    pub fn new(
        robot: &'a Robot,
        file: &ProblemFile,
        limits: Option<&'a JointLimits>,
        settings: Settings,
    ) -> Result<Self> {
        let config = MotionConfig::default();
        Ok(Self {
            robot,
            joints: joints_of(robot, &file.joints)?,
            names: file.joints.clone(),
            bounds: file.bounds(),
            limits,
            search: RrtConnect::new(config.search.clone()),
            config,
            settings,
        })
    }

    /// Plans, shortens and times one problem.
    pub fn solve(&mut self, problem: &Problem) -> Result<Solved> {
        let mut line =
            Line { scene: problem.scene.clone(), index: problem.index, ..Line::default() };
        let scene = self.scene_of(problem, &mut line)?;
        let Self { robot, joints, settings, .. } = self;
        let state = robot.neutral();

        let watch = Stopwatch::start();
        let checker = Checker::new(robot, &scene, joints, &state)?;
        line.prepare_ns = Some(watch.read().wall_ns);
        let mut space = Space { checker, bounds: &self.bounds };
        let budget = Budget {
            max_iterations: u32::MAX,
            deadline: Some(Instant::now() + settings.time_limit),
            cancel: None,
        };
        let found =
            self.search.plan(&mut space, &problem.start, &problem.goals, settings.seed, &budget);
        line.planned(watch.read());
        let mut path = match found {
            Ok(found) => found.path,
            Err(error) => {
                line.reason = Some(match touching_at(&mut space.checker, problem, &error) {
                    Some(contact) => format!("{error}: {contact}"),
                    None => error.to_string(),
                });
                return Ok(Solved { line, motion: None });
            }
        };
        line.solved = true;
        line.path_initial.clone_from(&path);
        let ((), spent) = timed(|| {
            simplify(&mut space, &mut path, &self.config.simplify, settings.seed, &budget);
        });
        line.simplified(spent);
        let motion = self.motion_along(&path, &mut space, &mut line);
        line.path = path;
        Ok(Solved { line, motion })
    }

    fn scene_of(&self, problem: &Problem, line: &mut Line) -> Result<Scene> {
        if !self.settings.as_cloud {
            return Ok(problem.obstacles.scene()?);
        }
        let points: Vec<Point3<f32>> = cloud::sample(&problem.obstacles, CLOUD_POINTS);
        let (cloud, spent) = timed(|| PointCloud::new(&points, POINT_RADIUS_M));
        line.cloud_ns = Some(spent.wall_ns);
        Ok(Scene { cloud: Some(Arc::new(cloud)), ..Scene::default() })
    }

    fn motion_along(
        &self,
        path: &[Vec<f64>],
        space: &mut Space<'_>,
        line: &mut Line,
    ) -> Option<Trajectory> {
        let limits = self.limits?;
        let deviation_rad = self.config.corner_deviation_rad;
        let (made, spent) =
            timed(|| time_free_path(space, &self.names, path, limits, deviation_rad));
        match made {
            Ok(motion) => {
                line.timed(spent);
                line.motion_duration_s = Some(motion.duration_s());
                Some(motion)
            }
            Err(error) => {
                line.reason = Some(format!("not timed: {error}"));
                None
            }
        }
    }
}

/// What is touched at the end of a problem that is not free, and how deeply.
fn touching_at(checker: &mut Checker<'_>, problem: &Problem, error: &PlanError) -> Option<String> {
    let end = match error {
        PlanError::NotFree { which: Endpoint::Start } => &problem.start,
        PlanError::NotFree { which: Endpoint::Goal(index) } => problem.goals.get(*index)?,
        _ => return None,
    };
    let Contact { first, second, depth_m, .. } = checker.first_contact(end)?;
    Some(format!("{first} is {:.2} mm inside {second}", depth_m * 1e3))
}

/// Indices of joints in the robot.
pub fn joints_of(robot: &Robot, names: &[String]) -> Result<Vec<usize>> {
    Ok(names.iter().map(|name| robot.joint_index(name)).collect::<Result<_, _>>()?)
}

/// The checker as a space to plan in.
pub struct Space<'a> {
    /// Answers what is free.
    pub checker: Checker<'a>,
    /// Bounds of the joints.
    pub bounds: &'a [(f64, f64)],
}

impl JointSpace for Space<'_> {
    fn dim(&self) -> usize {
        self.bounds.len()
    }

    fn bounds(&self) -> &[(f64, f64)] {
        self.bounds
    }

    fn is_free(&mut self, q: &[f64]) -> bool {
        self.checker.is_free(q)
    }

    fn free_among(&mut self, qs: &[f64]) -> u32 {
        self.checker.free_among(qs)
    }

    fn edge_is_free(&mut self, a: &[f64], b: &[f64]) -> bool {
        self.checker.edge_is_free(a, b)
    }
}
