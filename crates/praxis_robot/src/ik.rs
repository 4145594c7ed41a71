use nalgebra::{Isometry3, Matrix3, Matrix6, Rotation3, Translation3, Vector3, Vector6};
use praxis_geometry::Pose;

use crate::robot::{Motion, Robot, Variable};

/// A pose that a link should take.
#[derive(Clone, Copy, Debug)]
pub struct IkRequest<'a> {
    /// Indices of the joints that may move.
    pub joints: &'a [usize],
    /// The link.
    pub link: usize,
    /// Where it should be.
    pub root_from_link: &'a Pose,
    /// Full state to start from.
    pub seed: &'a [f64],
    /// Bounds of the joints, in their order; the robot's own if not given.
    pub bounds: Option<&'a [(f64, f64)]>,
    /// Steps before giving up.
    pub max_iterations: u32,
}

/// How near a descent came that did not arrive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IkMiss {
    /// Distance left, metres.
    pub position_m: f64,
    /// Angle left, radians.
    pub rotation_rad: f64,
}

/// Arrived when both errors are below this, metres and radians.
const ARRIVED: f64 = 1e-7;
/// Longest step of one joint in one iteration.
const LONGEST_STEP: f64 = 0.7;
/// Steps of one descent among many: those that arrive have done so by then, nearly always.
const STEPS_A_DESCENT: u32 = 30;

/// Inverse kinematics of one link by some joints, prepared once, without allocation afterwards.
///
/// Damped least squares on the twist between the link and its goal, with the damping that Sugihara
/// gives ("Solvability-Unconcerned Inverse Kinematics by the Levenberg-Marquardt Method", IEEE T-RO
/// 27(5), 2011: proportional to the squared error). Joints that a step pushes out of their bounds
/// are held there and the others take over.
#[derive(Clone, Debug)]
pub struct IkSolver {
    steps: Vec<ChainStep>,
    last_from_link: Isometry3<f64>,
    bounds: Vec<(f64, f64)>,
    columns: Vec<Vector6<f64>>,
    held: Vec<bool>,
    q: Vec<f64>,
}

/// A joint on the way to the link; it moves about or along z.
#[derive(Clone, Copy, Debug)]
struct ChainStep {
    rotation: Matrix3<f64>,
    translation: Vector3<f64>,
    turns: bool,
    slot: usize,
    multiplier: f64,
    offset: f64,
}

impl IkSolver {
    /// Prepares for `link` and `joints`, all other joints as in `state`. Bounds are the robot's own
    /// if not given.
    ///
    /// # Panics
    /// If an index or a length does not fit the robot.
    pub fn new(
        robot: &Robot,
        joints: &[usize],
        link: usize,
        state: &[f64],
        bounds: Option<&[(f64, f64)]>,
    ) -> Self {
        let own = |&j: &usize| (robot.joints()[j].lower, robot.joints()[j].upper);
        let bounds = bounds.map_or_else(|| joints.iter().map(own).collect(), <[_]>::to_vec);
        assert_eq!(bounds.len(), joints.len(), "one pair of bounds a joint");
        let mut way = vec![link];
        while let Some(parent) = robot.links()[way[way.len() - 1]].parent {
            way.push(parent);
        }
        let mut steps = Vec::new();
        let mut last_from_here = Isometry3::identity();
        for &index in way.iter().rev() {
            let body = &robot.links()[index];
            let slot = |variable: Variable| joints.iter().position(|j| *j == variable.index);
            let moving = match body.motion {
                Motion::Turn { axis, variable } => {
                    slot(variable).map(|s| (true, axis, variable, s))
                }
                Motion::Slide { axis, variable } => {
                    slot(variable).map(|s| (false, axis, variable, s))
                }
                Motion::Fixed => None,
            };
            let Some((turns, axis, variable, slot)) = moving else {
                last_from_here *= body.parent_from_link(state);
                continue;
            };
            let joint_from_z =
                Rotation3::rotation_between(&Vector3::z(), &axis).unwrap_or_else(|| {
                    Rotation3::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI)
                });
            let before = last_from_here
                * body.parent_from_joint
                * Isometry3::from_parts(Translation3::identity(), joint_from_z.into());
            steps.push(ChainStep {
                rotation: before.rotation.to_rotation_matrix().into_inner(),
                translation: before.translation.vector,
                turns,
                slot,
                multiplier: variable.multiplier,
                offset: variable.offset,
            });
            last_from_here =
                Isometry3::from_parts(Translation3::identity(), joint_from_z.inverse().into());
        }
        Self {
            steps,
            last_from_link: last_from_here,
            columns: vec![Vector6::zeros(); joints.len()],
            held: vec![false; joints.len()],
            q: vec![0.0; joints.len()],
            bounds,
        }
    }

    /// Descends from `seed` (values of the joints), then from random configurations: the first that
    /// arrives within 1e-7 m and rad, or the nearest miss after `restarts` of them. The same
    /// `random_seed`, the same answer.
    pub fn solve(
        &mut self,
        root_from_link: &Pose,
        seed: &[f64],
        restarts: u32,
        random_seed: u64,
    ) -> Result<Vec<f64>, IkMiss> {
        let mut random = random_seed;
        let mut nearest: Option<IkMiss> = None;
        for restart in 0..=restarts {
            if restart == 0 {
                self.start_at(seed);
            } else {
                for (value, &(lower, upper)) in self.q.iter_mut().zip(&self.bounds) {
                    let end =
                        |limit: f64, otherwise| if limit.is_finite() { limit } else { otherwise };
                    let pi = std::f64::consts::PI;
                    let (lower, upper) = (end(lower, -pi), end(upper, pi));
                    *value = lower + share(&mut random) * (upper - lower);
                }
            }
            match self.descend(root_from_link, STEPS_A_DESCENT) {
                Ok(()) => return Ok(self.q.clone()),
                Err(miss) => {
                    let total = |miss: &IkMiss| miss.position_m + miss.rotation_rad;
                    if nearest.is_none_or(|best| total(&miss) < total(&best)) {
                        nearest = Some(miss);
                    }
                }
            }
        }
        Err(nearest.unwrap_or(IkMiss { position_m: f64::NAN, rotation_rad: f64::NAN }))
    }

    /// Where the last descent ended, arrived or not.
    pub fn configuration(&self) -> &[f64] {
        &self.q
    }

    fn start_at(&mut self, seed: &[f64]) {
        for ((value, &(lower, upper)), &start) in self.q.iter_mut().zip(&self.bounds).zip(seed) {
            *value = start.max(lower).min(upper);
        }
    }

    fn descend(&mut self, goal: &Pose, max_iterations: u32) -> Result<(), IkMiss> {
        let goal_rotation = goal.rotation.to_rotation_matrix().into_inner();
        let mut last = f64::INFINITY;
        for iteration in 0..=max_iterations {
            let twist = self.twist_to(&goal.translation.vector, &goal_rotation);
            let miss = IkMiss {
                position_m: twist.fixed_rows::<3>(0).norm(),
                rotation_rad: twist.fixed_rows::<3>(3).norm(),
            };
            if miss.position_m < ARRIVED && miss.rotation_rad < ARRIVED {
                return Ok(());
            }
            let error = twist.norm_squared();
            // Near the goal each step squares the error; what crawls sits in a local minimum.
            let stuck = iteration % 8 == 7 && error > 0.4 * std::mem::replace(&mut last, error);
            if iteration == max_iterations || stuck || !error.is_finite() || !self.step(&twist) {
                return Err(miss);
            }
        }
        unreachable!("the last iteration returns")
    }

    /// Moves the joints by one damped step; false if no joint can move any more.
    fn step(&mut self, twist: &Vector6<f64>) -> bool {
        let damping = 1e-3 * twist.norm_squared() + 1e-12;
        self.held.fill(false);
        for _ in 0..3 {
            let mut square = Matrix6::from_diagonal_element(damping);
            for (column, _) in self.columns.iter().zip(&self.held).filter(|(_, held)| !**held) {
                square.syger(1.0, column, column, 1.0);
            }
            let Some(weighted) = square.cholesky().map(|inverse| inverse.solve(twist)) else {
                return false;
            };
            let mut newly_held = false;
            for (k, column) in self.columns.iter().enumerate() {
                let (lower, upper) = self.bounds[k];
                let step = column.dot(&weighted);
                let at_bound =
                    (self.q[k] <= lower && step < 0.0) || (self.q[k] >= upper && step > 0.0);
                if at_bound && !self.held[k] {
                    (self.held[k], newly_held) = (true, true);
                }
            }
            if newly_held {
                continue;
            }
            let mut longest = 0.0_f64;
            for (column, _) in self.columns.iter().zip(&self.held).filter(|(_, held)| !**held) {
                longest = longest.max(column.dot(&weighted).abs());
            }
            let scale = if longest > LONGEST_STEP { LONGEST_STEP / longest } else { 1.0 };
            for (k, column) in self.columns.iter().enumerate().filter(|(k, _)| !self.held[*k]) {
                let (lower, upper) = self.bounds[k];
                self.q[k] = (self.q[k] + scale * column.dot(&weighted)).max(lower).min(upper);
            }
            return longest > 0.0;
        }
        false
    }

    /// Translation and rotation vector that are left, root frame; leaves the Jacobian's columns.
    fn twist_to(&mut self, goal: &Vector3<f64>, goal_rotation: &Matrix3<f64>) -> Vector6<f64> {
        let (mut rotation, mut origin) = (Matrix3::identity(), Vector3::zeros());
        self.columns.fill(Vector6::zeros());
        // First the axes; the arm from the axis to the link is known only at the end.
        for step in &self.steps {
            origin += rotation * step.translation;
            rotation *= step.rotation;
            let value = step.multiplier * self.q[step.slot] + step.offset;
            let axis: Vector3<f64> = rotation.column(2).into_owned();
            let column = &mut self.columns[step.slot];
            let scaled = axis * step.multiplier;
            if step.turns {
                let (sin, cos) = value.sin_cos();
                let (x, y) = (rotation.column(0).into_owned(), rotation.column(1).into_owned());
                rotation.set_column(0, &(x * cos + y * sin));
                rotation.set_column(1, &(y * cos - x * sin));
                let mut linear = column.fixed_rows_mut::<3>(0);
                linear -= scaled.cross(&origin);
                let mut angular = column.fixed_rows_mut::<3>(3);
                angular += scaled;
            } else {
                origin += axis * value;
                let mut linear = column.fixed_rows_mut::<3>(0);
                linear += scaled;
            }
        }
        origin += rotation * self.last_from_link.translation.vector;
        rotation *= self.last_from_link.rotation.to_rotation_matrix().into_inner();
        for column in &mut self.columns {
            let angular: Vector3<f64> = column.fixed_rows::<3>(3).into_owned();
            let mut linear = column.fixed_rows_mut::<3>(0);
            linear += angular.cross(&origin);
        }
        let way = goal - origin;
        let turn = rotation_vector(&(goal_rotation * rotation.transpose()));
        Vector6::new(way.x, way.y, way.z, turn.x, turn.y, turn.z)
    }
}

/// Axis times angle of a rotation, in [0, pi].
fn rotation_vector(r: &Matrix3<f64>) -> Vector3<f64> {
    let twice_sin =
        Vector3::new(r[(2, 1)] - r[(1, 2)], r[(0, 2)] - r[(2, 0)], r[(1, 0)] - r[(0, 1)]);
    let (sin, cos) = (0.5 * twice_sin.norm(), 0.5 * (r.trace() - 1.0));
    if sin > 1e-6 {
        return twice_sin * (sin.atan2(cos) / (2.0 * sin));
    }
    if cos > 0.0 {
        return 0.5 * twice_sin;
    }
    // Half a turn: the axis stands in the symmetric part alone.
    Rotation3::from_matrix_unchecked(*r).scaled_axis()
}

/// SplitMix64, as a number in [0, 1).
pub(crate) fn share(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

impl Robot {
    /// One descent of an [`IkSolver`] from one seed: the full state that it arrives at. Whoever
    /// needs more certainty tries more seeds, or asks the solver itself.
    pub fn solve_ik(&self, request: &IkRequest<'_>) -> Result<Vec<f64>, IkMiss> {
        let IkRequest { joints, link, seed, .. } = *request;
        let mut solver = IkSolver::new(self, joints, link, seed, request.bounds);
        let start: Vec<f64> = joints.iter().map(|&joint| seed[joint]).collect();
        solver.start_at(&start);
        solver.descend(request.root_from_link, request.max_iterations)?;
        let mut state = seed.to_vec();
        for (&joint, &value) in joints.iter().zip(&solver.q) {
            state[joint] = value;
        }
        Ok(state)
    }
}
