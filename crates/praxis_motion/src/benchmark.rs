//! The planning benchmark on problems in the format "vamp-mbm-problems/1".

use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use nalgebra::{Matrix3, Rotation3, Translation3, UnitQuaternion, Vector3};
use praxis_collision::{Checker, CollisionError, Scene, SceneObject};
use praxis_geometry::{Pose, Shape};
use praxis_planning::{
    Budget, JointSpace, RrtConnect, RrtConnectConfig, SimplifyConfig, path_length, simplify,
};
use praxis_robot::Robot;
use praxis_trajectory::JointLimits;
use serde::{Deserialize, Serialize};

use crate::retime::time_free_path;

/// A file of problems.
#[derive(Clone, Debug, Deserialize)]
pub struct ProblemFile {
    /// Must be "vamp-mbm-problems/1".
    pub format: String,
    /// Order of the joints in every configuration.
    pub joints: Vec<String>,
    /// Lower sampling bounds.
    pub lower: Vec<f64>,
    /// Upper sampling bounds.
    pub upper: Vec<f64>,
    /// The problems.
    pub problems: Vec<Problem>,
}

/// One problem.
#[derive(Clone, Debug, Deserialize)]
pub struct Problem {
    /// Name of the scene.
    pub scene: String,
    /// Number in the scene.
    pub index: u32,
    /// Start configuration.
    pub start: Vec<f64>,
    /// Goal configurations.
    pub goals: Vec<Vec<f64>>,
    /// Whether start and a goal are free.
    pub valid: bool,
    #[serde(default)]
    spheres: Vec<Ball>,
    #[serde(default)]
    capsules: Vec<Rod>,
    #[serde(default)]
    cuboids: Vec<Block>,
}

#[derive(Clone, Debug, Deserialize)]
struct Ball {
    name: String,
    center: [f64; 3],
    radius: f64,
}

#[derive(Clone, Debug, Deserialize)]
struct Rod {
    name: String,
    a: [f64; 3],
    b: [f64; 3],
    radius: f64,
}

#[derive(Clone, Debug, Deserialize)]
struct Block {
    name: String,
    center: [f64; 3],
    half_extents: [f64; 3],
    axes: Option<[[f64; 3]; 3]>,
    euler_xyz: Option<[f64; 3]>,
}

/// What became of one problem; one line of the `--lines` file.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Name of the scene.
    pub scene: String,
    /// Number in the scene.
    pub index: u32,
    /// Whether a path was found.
    pub solved: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Time of the search, the checker's preparation included.
    pub plan_ns: u64,
    /// Time of shortening.
    pub simplify_ns: u64,
    /// Time of timing, checks of rounded corners included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing_ns: Option<u64>,
    /// What the search found.
    pub path_initial: Vec<Vec<f64>>,
    /// What is left of it after shortening.
    pub path: Vec<Vec<f64>>,
    /// Duration of the timed motion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub motion_duration_s: Option<f64>,
}

/// Why a benchmark cannot run.
#[derive(Debug, thiserror::Error)]
pub enum BenchmarkError {
    /// A file cannot be read.
    #[error("cannot read {file}: {problem}")]
    File {
        /// The file.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// The robot lacks a joint of the problems.
    #[error(transparent)]
    Robot(#[from] praxis_robot::RobotError),
    /// A scene cannot be built.
    #[error(transparent)]
    Scene(#[from] CollisionError),
}

impl ProblemFile {
    /// Reads `.json` or `.json.gz`.
    pub fn read(path: &Path) -> Result<Self, BenchmarkError> {
        let failed =
            |problem: String| BenchmarkError::File { file: path.display().to_string(), problem };
        let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
        let mut text = String::new();
        if bytes.starts_with(&[0x1f, 0x8b]) {
            flate2::read::GzDecoder::new(bytes.as_slice())
                .read_to_string(&mut text)
                .map_err(|error| failed(error.to_string()))?;
        } else {
            text = String::from_utf8(bytes).map_err(|error| failed(error.to_string()))?;
        }
        let file: Self = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
        match file.format.as_str() {
            "vamp-mbm-problems/1" => Ok(file),
            other => Err(failed(format!("format '{other}' is not vamp-mbm-problems/1"))),
        }
    }
}

impl Problem {
    /// The scene of the problem.
    pub fn scene(&self) -> Result<Scene, CollisionError> {
        let mut scene = Scene::default();
        let mut put = |name: &String, shape: Shape, pose: Pose| {
            scene.objects.push(SceneObject::new(name, &[(shape, pose)])?);
            Ok::<(), CollisionError>(())
        };
        for ball in &self.spheres {
            let [x, y, z] = ball.center;
            put(&ball.name, Shape::Sphere { radius_m: ball.radius }, Pose::translation(x, y, z))?;
        }
        for rod in &self.capsules {
            let (a, b) = (Vector3::from(rod.a), Vector3::from(rod.b));
            let rotation = UnitQuaternion::rotation_between(&Vector3::z(), &(b - a))
                .unwrap_or_else(|| {
                    UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI)
                });
            let pose = Pose::from_parts(Translation3::from((a + b) * 0.5), rotation);
            let length_m = (b - a).norm().max(1e-9);
            put(&rod.name, Shape::Capsule { radius_m: rod.radius, length_m }, pose)?;
        }
        for block in &self.cuboids {
            let rotation = match (&block.axes, &block.euler_xyz) {
                (Some(axes), _) => {
                    let columns = axes.map(Vector3::from);
                    let matrix = Matrix3::from_columns(&columns);
                    UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix(&matrix))
                }
                (None, Some([x, y, z])) => UnitQuaternion::from_euler_angles(*x, *y, *z),
                (None, None) => UnitQuaternion::identity(),
            };
            let pose = Pose::from_parts(Translation3::from(Vector3::from(block.center)), rotation);
            let half_extents_m = Vector3::from(block.half_extents);
            put(&block.name, Shape::Box { half_extents_m }, pose)?;
        }
        Ok(scene)
    }
}

/// The checker as a space to plan in.
struct Space<'a> {
    checker: Checker<'a>,
    bounds: Vec<(f64, f64)>,
}

impl JointSpace for Space<'_> {
    fn dim(&self) -> usize {
        self.bounds.len()
    }
    fn bounds(&self) -> &[(f64, f64)] {
        &self.bounds
    }
    fn is_free(&mut self, q: &[f64]) -> bool {
        self.checker.is_free(q)
    }
    fn edge_is_free(&mut self, a: &[f64], b: &[f64]) -> bool {
        self.checker.edge_is_free(a, b)
    }
}

/// Solves problems of one robot one after another.
pub struct Benchmark {
    robot: Robot,
    joints: Vec<usize>,
    names: Vec<String>,
    bounds: Vec<(f64, f64)>,
    limits: Option<JointLimits>,
    search: RrtConnect,
    time_budget: Duration,
    corner_deviation_rad: f64,
}

impl Benchmark {
    /// Prepares a robot for the problems of a file.
    pub fn new(
        robot: Robot,
        file: &ProblemFile,
        limits: Option<JointLimits>,
        search: RrtConnectConfig,
        time_budget: Duration,
    ) -> Result<Self, BenchmarkError> {
        let joints: Vec<usize> =
            file.joints.iter().map(|name| robot.joint_index(name)).collect::<Result<_, _>>()?;
        Ok(Self {
            robot,
            joints,
            names: file.joints.clone(),
            bounds: file.lower.iter().copied().zip(file.upper.iter().copied()).collect(),
            limits,
            search: RrtConnect::new(search),
            time_budget,
            corner_deviation_rad: 0.2,
        })
    }

    /// Plans, shortens and times one problem.
    pub fn solve(&mut self, problem: &Problem, seed: u64) -> Result<Line, BenchmarkError> {
        let scene = problem.scene()?;
        let mut line = Line {
            scene: problem.scene.clone(),
            index: problem.index,
            solved: false,
            reason: None,
            plan_ns: 0,
            simplify_ns: 0,
            timing_ns: None,
            path_initial: Vec::new(),
            path: Vec::new(),
            motion_duration_s: None,
        };
        let begun = Instant::now();
        let state = self.robot.neutral();
        let checker = Checker::new(&self.robot, &scene, &self.joints, &state)?;
        let mut space = Space { checker, bounds: self.bounds.clone() };
        let budget = Budget {
            max_iterations: u32::MAX,
            deadline: Some(begun + self.time_budget),
            cancel: None,
        };
        let found = self.search.plan(&mut space, &problem.start, &problem.goals, seed, &budget);
        line.plan_ns = begun.elapsed().as_nanos() as u64;
        let mut path = match found {
            Ok(found) => found.path,
            Err(error) => {
                line.reason = Some(error.to_string());
                return Ok(line);
            }
        };
        line.solved = true;
        line.path_initial.clone_from(&path);
        let shortening = Instant::now();
        simplify(&mut space, &mut path, &SimplifyConfig::default(), seed, &budget);
        line.simplify_ns = shortening.elapsed().as_nanos() as u64;
        if let Some(limits) = &self.limits {
            let timing = Instant::now();
            let deviation = self.corner_deviation_rad;
            match time_free_path(&mut space, &self.names, &path, limits, deviation) {
                Ok(trajectory) => {
                    line.timing_ns = Some(timing.elapsed().as_nanos() as u64);
                    line.motion_duration_s = Some(trajectory.duration_s());
                }
                Err(error) => line.reason = Some(error.to_string()),
            }
        }
        line.path = path;
        Ok(line)
    }
}

/// Figures of many lines: `{median, mean, p95, max}` of times in µs.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Half are below.
    pub median: f64,
    /// Mean.
    pub mean: f64,
    /// 95 % are below.
    pub p95: f64,
    /// Largest.
    pub max: f64,
}

impl Figures {
    /// Of values; nothing of none.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let at = |share: f64| values[(share * last as f64).round() as usize];
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        Some(Self { median: at(0.5), mean, p95: at(0.95), max: values[last] })
    }
}

/// Length of a path in joint space (L2).
pub fn cost(path: &[Vec<f64>]) -> f64 {
    path_length(path)
}
