use std::sync::Arc;

use praxis_trajectory::{JointLimits, JointSample, Knot, Trajectory};

use crate::join_in::join_in;
use crate::motion::{Effort, JointTolerance, Motion};
use crate::request::{PointRequest, ToleranceRequest, TrajectoryRequest};
use crate::smooth::{complete, merge_close, slower, stretch};
use crate::stop::{JointState, StopPlan};
use crate::{ControlError, RejectError};

/// Positions may be beyond a limit by this much, radians: the gate holds them at the limit.
const POSITION_SLACK: f64 = 1e-3;
/// Velocities may be beyond a limit by this share: rounding of a planner at its limits.
const VELOCITY_SLACK: f64 = 0.01;
/// Stretches in time below this are left to the gate.
const LEAST_STRETCH: f64 = 1.01;
/// Samples taken of a trajectory to hold it against its limits, at most.
const MOST_SAMPLES: usize = 20_000;
/// Sample spacing, seconds.
const SAMPLE_STEP_S: f64 = 0.004;
/// A running motion is joined at this moment ahead of now, seconds: checking takes its time.
const LEAD_S: f64 = 0.01;
/// A takeover further ahead than this is told by the clock alone, seconds.
const FAR_S: f64 = 0.25;
/// Speed of a last point that counts as standing, per second.
const STANDING: f64 = 1e-3;
/// Points that a trajectory may have.
const MOST_POINTS: usize = 1_000_000;

/// What a trajectory must keep to be taken, beside the limits.
#[derive(Clone, Debug, PartialEq)]
pub struct AcceptConfig {
    /// Distance of the start from the commanded state, radians.
    pub start_tolerance: f64,
    /// The same for one that takes over in mid-motion, which is led onto it smoothly.
    pub join_tolerance: f64,
    /// Distance from the end that counts as reached, radians; a goal's own tolerance goes first.
    pub goal_tolerance: f64,
    /// Speed at the end that counts as standing, radians per second.
    pub stopped_velocity_tolerance: f64,
    /// Time to settle after the end, seconds.
    pub goal_time_s: f64,
    /// Longest wait for a start in the future, seconds.
    pub longest_wait_s: f64,
    /// Whether goals may leave joints out.
    pub allow_partial_joints: bool,
    /// Whether points may give velocities alone, which are integrated.
    pub allow_integration: bool,
    /// Highest effort of each joint that is sent along; infinite, or none given: any.
    pub effort_limits: Vec<f64>,
}

impl Default for AcceptConfig {
    fn default() -> Self {
        Self {
            start_tolerance: 0.05,
            join_tolerance: 0.3,
            goal_tolerance: 0.01,
            stopped_velocity_tolerance: 0.05,
            goal_time_s: 2.0,
            longest_wait_s: 60.0,
            allow_partial_joints: true,
            allow_integration: false,
            effort_limits: Vec::new(),
        }
    }
}

/// What is commanded now and next: what a new motion is held against.
#[derive(Clone, Debug)]
pub struct Commanded {
    /// The state commanded last.
    pub sample: JointSample,
    /// The motion that runs.
    pub running: Option<Running>,
}

/// A motion under way.
#[derive(Clone, Debug)]
pub struct Running {
    /// Its number.
    pub id: u64,
    /// Its knots.
    pub trajectory: Arc<Trajectory>,
    /// How far it has come, in seconds.
    pub time_s: f64,
}

impl Commanded {
    /// The state that will be commanded in `wait_s`, if nothing new comes.
    fn in_s(&self, wait_s: f64, limits: &JointLimits) -> JointSample {
        match &self.running {
            Some(running) if wait_s > 0.0 => running.trajectory.sample(running.time_s + wait_s),
            None if wait_s > 0.0 => JointSample::at_rest(&self.stopped(limits)),
            _ => self.sample.clone(),
        }
    }

    /// Where each joint comes to rest if it brakes now.
    fn stopped(&self, limits: &JointLimits) -> Vec<f64> {
        let stop = |(joint, limit)| {
            let state = JointState {
                position: self.sample.position[joint],
                velocity: self.sample.velocity[joint],
                acceleration: self.sample.acceleration[joint],
            };
            StopPlan::new(state, limit).end_position()
        };
        limits.joints().iter().enumerate().map(stop).collect()
    }
}

/// Checks requests and makes motions of them; lives outside the control loop.
#[derive(Clone, Debug)]
pub struct Acceptor {
    joint_names: Vec<String>,
    limits: JointLimits,
    config: AcceptConfig,
}

impl Acceptor {
    /// For the joints of a controller, in its order.
    pub fn new(
        joint_names: Vec<String>,
        limits: JointLimits,
        config: AcceptConfig,
    ) -> Result<Self, ControlError> {
        if joint_names.len() != limits.dim() {
            let (names, limits) = (joint_names.len(), limits.dim());
            return Err(ControlError::LimitsMismatch { names, limits });
        }
        Ok(Self { joint_names, limits, config })
    }

    /// The joints, in the order of every motion.
    pub fn joint_names(&self) -> &[String] {
        &self.joint_names
    }

    /// Checks a request in full; the motion that comes back is sound.
    pub fn accept(
        &self,
        id: u64,
        request: &TrajectoryRequest,
        commanded: &Commanded,
        needs_heartbeat: bool,
    ) -> Result<Motion, RejectError> {
        let columns = self.columns(&request.joint_names)?;
        check_points(request, self.config.allow_integration)?;
        let ends_moving = self.ends_moving(request)?;
        let (wait_s, enter_at_s) = self.takeover(request, commanded.running.is_some())?;
        let at_start = commanded.in_s(wait_s, &self.limits);

        let mut knots = self.knots(request, &columns, &commanded.stopped(&self.limits));
        if knots[0].position.is_empty() {
            integrate(&mut knots, &at_start.position);
        }
        if knots[0].time_s > enter_at_s {
            knots.insert(0, start_knot(&at_start, enter_at_s, &knots));
        }
        merge_close(&mut knots);
        complete(&mut knots);
        let mut trajectory = Trajectory::new(self.joint_names.clone(), &knots)?;
        self.check_start(&trajectory, enter_at_s, &at_start, &columns)?;
        self.check_limits(&trajectory)?;
        let is_standing = at_start.velocity.iter().all(|&velocity| velocity == 0.0);
        let mut stretched_by = stretch(&trajectory, &self.limits);
        if stretched_by > LEAST_STRETCH && enter_at_s == 0.0 && is_standing {
            trajectory = slower(&trajectory, stretched_by)?;
        } else {
            stretched_by = 1.0;
        }
        let trajectory = join_in(trajectory, enter_at_s, &at_start, &self.limits)?;

        let goal_default = JointTolerance {
            position: self.config.goal_tolerance,
            velocity: self.config.stopped_velocity_tolerance,
        };
        let is_near = wait_s <= FAR_S;
        let take_over = commanded.running.as_ref().filter(|_| is_near);
        Ok(Motion {
            id,
            stretched_by,
            trajectory: Arc::new(trajectory),
            wait_s,
            enter_at_s,
            take_over: take_over.map(|running| (running.id, running.time_s + wait_s)),
            effort: self.effort(request, &columns, stretched_by),
            ends_moving,
            path_tolerance: self.tolerances(&request.path_tolerance, JointTolerance::NONE)?,
            goal_tolerance: self.tolerances(&request.goal_tolerance, goal_default)?,
            goal_time_s: match request.goal_time_s {
                time_s if time_s > 0.0 => time_s,
                time_s if time_s < 0.0 => f64::INFINITY,
                _ => self.config.goal_time_s,
            },
            needs_heartbeat,
        })
    }

    /// For each of our joints its column in the request.
    fn columns(&self, names: &[String]) -> Result<Vec<Option<usize>>, RejectError> {
        if names.is_empty() {
            return Err(RejectError::Empty { what: "joint names" });
        }
        for (index, joint) in names.iter().enumerate() {
            if !self.joint_names.contains(joint) {
                let known = self.joint_names.clone();
                return Err(RejectError::UnknownJoint { joint: joint.clone(), known });
            }
            if names[..index].contains(joint) {
                return Err(RejectError::DuplicateJoint { joint: joint.clone() });
            }
        }
        let column = |joint: &String| names.iter().position(|name| name == joint);
        let columns: Vec<_> = self.joint_names.iter().map(column).collect();
        let missing = columns.iter().position(Option::is_none);
        match missing.filter(|_| !self.config.allow_partial_joints) {
            Some(joint) => {
                Err(RejectError::PartialJoints { joint: self.joint_names[joint].clone() })
            }
            None => Ok(columns),
        }
    }

    /// How long until it takes over, and its own time then.
    fn takeover(
        &self,
        request: &TrajectoryRequest,
        is_running: bool,
    ) -> Result<(f64, f64), RejectError> {
        let end_s = request.points[request.points.len() - 1].time_s;
        let (start_in_s, limit_s) = (request.start_in_s, self.config.longest_wait_s);
        if start_in_s.is_nan() || start_in_s > limit_s {
            return Err(RejectError::FarFuture { wait_s: start_in_s, limit_s });
        }
        if start_in_s < 0.0 && end_s + start_in_s < 0.0 {
            return Err(RejectError::InThePast { late_s: -(end_s + start_in_s) });
        }
        let lead_s = if is_running { LEAD_S } else { 0.0 };
        let wait_s = start_in_s.max(lead_s);
        Ok((wait_s, if start_in_s == 0.0 { 0.0 } else { wait_s - start_in_s }))
    }

    /// Whether the last point is one at speed.
    fn ends_moving(&self, request: &TrajectoryRequest) -> Result<bool, RejectError> {
        let last = &request.points[request.points.len() - 1];
        let mut fast = request.joint_names.iter().zip(&last.velocities);
        let Some((joint, &velocity)) = fast.find(|(_, velocity)| velocity.abs() > STANDING) else {
            return Ok(false);
        };
        match request.may_end_moving {
            true => Ok(true),
            false => Err(RejectError::EndsMoving { joint: joint.clone(), velocity }),
        }
    }

    fn effort(
        &self,
        request: &TrajectoryRequest,
        columns: &[Option<usize>],
        stretched_by: f64,
    ) -> Option<Effort> {
        let points: Vec<_> = request.points.iter().filter(|p| !p.efforts.is_empty()).collect();
        if points.is_empty() {
            return None;
        }
        let limit = |joint: usize| {
            self.config.effort_limits.get(joint).copied().unwrap_or(f64::INFINITY).abs()
        };
        let row = |point: &&PointRequest| -> Vec<f64> {
            let value = |(joint, column): (usize, &Option<usize>)| {
                column
                    .map_or(0.0, |column| point.efforts[column].clamp(-limit(joint), limit(joint)))
            };
            columns.iter().enumerate().map(value).collect()
        };
        let times_s = points.iter().map(|point| point.time_s * stretched_by).collect();
        Some(Effort { times_s, values: points.iter().flat_map(row).collect() })
    }

    fn knots(
        &self,
        request: &TrajectoryRequest,
        columns: &[Option<usize>],
        resting: &[f64],
    ) -> Vec<Knot> {
        let row = |values: &[f64], others: &dyn Fn(usize) -> f64| -> Vec<f64> {
            if values.is_empty() {
                return Vec::new();
            }
            let value = |(joint, column): (usize, &Option<usize>)| match column {
                Some(column) => values[*column],
                None => others(joint),
            };
            columns.iter().enumerate().map(value).collect()
        };
        let knot = |point: &PointRequest| Knot {
            time_s: point.time_s,
            position: row(&point.positions, &|joint| resting[joint]),
            velocity: row(&point.velocities, &|_| 0.0),
            acceleration: row(&point.accelerations, &|_| 0.0),
        };
        request.points.iter().map(knot).collect()
    }

    fn check_start(
        &self,
        trajectory: &Trajectory,
        enter_at_s: f64,
        at_start: &JointSample,
        columns: &[Option<usize>],
    ) -> Result<(), RejectError> {
        let start = trajectory.sample(enter_at_s);
        let is_moving = at_start.velocity.iter().any(|&velocity| velocity != 0.0);
        let AcceptConfig { start_tolerance, join_tolerance, .. } = self.config;
        let tolerance =
            if is_moving { join_tolerance.max(start_tolerance) } else { start_tolerance };
        for joint in (0..self.joint_names.len()).filter(|&joint| columns[joint].is_some()) {
            let (start, commanded) = (start.position[joint], at_start.position[joint]);
            if (start - commanded).abs() > tolerance {
                let joint = self.joint_names[joint].clone();
                return Err(RejectError::StartsElsewhere { joint, start, commanded, tolerance });
            }
        }
        Ok(())
    }

    fn check_limits(&self, trajectory: &Trajectory) -> Result<(), RejectError> {
        for (index, &time_s) in trajectory.times_s().iter().enumerate() {
            self.check_state(time_s, trajectory.position(index), trajectory.velocity(index))?;
        }
        let (start_s, end_s) = (trajectory.times_s()[0], trajectory.duration_s());
        let samples = (((end_s - start_s) / SAMPLE_STEP_S) as usize).min(MOST_SAMPLES);
        let (mut cursor, mut sample) = (0, JointSample::zeros(trajectory.dim()));
        for index in 1..samples {
            let time_s = start_s + (end_s - start_s) * index as f64 / samples as f64;
            trajectory.sample_into(time_s, &mut cursor, &mut sample);
            self.check_state(time_s, &sample.position, Some(&sample.velocity))?;
        }
        Ok(())
    }

    fn check_state(
        &self,
        time_s: f64,
        position: &[f64],
        velocity: Option<&[f64]>,
    ) -> Result<(), RejectError> {
        let exceeded = |what, joint: usize, value, limit| {
            let joint = self.joint_names[joint].clone();
            Err(RejectError::LimitExceeded { what, joint, value, limit, time_s })
        };
        for (joint, limit) in self.limits.joints().iter().enumerate() {
            let value = position[joint];
            if value < limit.min_position - POSITION_SLACK {
                return exceeded("position", joint, value, limit.min_position);
            }
            if value > limit.max_position + POSITION_SLACK {
                return exceeded("position", joint, value, limit.max_position);
            }
            let value = velocity.map_or(0.0, |velocity| velocity[joint]);
            if value.abs() > (1.0 + VELOCITY_SLACK) * limit.velocity {
                return exceeded("velocity", joint, value, limit.velocity);
            }
        }
        Ok(())
    }

    fn tolerances(
        &self,
        requested: &[ToleranceRequest],
        default: JointTolerance,
    ) -> Result<Vec<JointTolerance>, RejectError> {
        let mut tolerances = vec![default; self.joint_names.len()];
        for request in requested {
            let Some(joint) = self.joint_names.iter().position(|name| *name == request.joint)
            else {
                let (joint, value) = (request.joint.clone(), request.position);
                return Err(RejectError::BadTolerance { joint, value });
            };
            let chosen = |value: f64, default: f64| match value {
                0.0 => Ok(default),
                value if value > 0.0 => Ok(value),
                value if value < 0.0 => Ok(f64::INFINITY),
                value => Err(RejectError::BadTolerance { joint: request.joint.clone(), value }),
            };
            tolerances[joint] = JointTolerance {
                position: chosen(request.position, default.position)?,
                velocity: chosen(request.velocity, default.velocity)?,
            };
        }
        Ok(tolerances)
    }
}

/// The state that is there when a trajectory takes over, as its first knot.
fn start_knot(at_start: &JointSample, time_s: f64, knots: &[Knot]) -> Knot {
    let given = |values: &[f64], wanted: bool| if wanted { values.to_vec() } else { Vec::new() };
    let is_moving = at_start.velocity.iter().any(|&velocity| velocity != 0.0);
    let has_velocity = is_moving || !knots[0].velocity.is_empty();
    Knot {
        time_s,
        position: at_start.position.clone(),
        velocity: given(&at_start.velocity, has_velocity),
        acceleration: given(&at_start.acceleration, has_velocity),
    }
}

/// Positions of points that give velocities alone: those change in straight lines.
fn integrate(knots: &mut [Knot], start: &[f64]) {
    let (mut time_s, mut position) = (knots[0].time_s, start.to_vec());
    let mut before = knots[0].velocity.clone();
    for knot in knots {
        for joint in 0..position.len() {
            let mean = 0.5 * (before[joint] + knot.velocity[joint]);
            position[joint] += mean * (knot.time_s - time_s);
        }
        (time_s, before) = (knot.time_s, knot.velocity.clone());
        knot.position = position.clone();
    }
}

/// Whether two points are one that a sender's rounding of times doubled.
fn is_same(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-6)
}

fn check_points(request: &TrajectoryRequest, may_integrate: bool) -> Result<(), RejectError> {
    if request.points.is_empty() {
        return Err(RejectError::Empty { what: "points" });
    }
    if request.points.len() > MOST_POINTS {
        let (got, expected) = (request.points.len(), MOST_POINTS);
        return Err(RejectError::WrongLength { point: got, what: "points", got, expected });
    }
    let expected = request.joint_names.len();
    let has_velocities = |point: &PointRequest| !point.velocities.is_empty();
    let velocities_alone = request.points.iter().all(|p| p.positions.is_empty())
        && request.points.iter().all(has_velocities);
    if velocities_alone && !may_integrate {
        return Err(RejectError::VelocitiesAlone);
    }
    let mut previous_s = -f64::MIN_POSITIVE;
    for (point, values) in request.points.iter().enumerate() {
        let time_s = values.time_s;
        let is_repeated = point > 0
            && time_s == previous_s
            && is_same(&values.positions, &request.points[point - 1].positions);
        if !(time_s.is_finite() && (time_s > previous_s || is_repeated)) {
            return Err(RejectError::TimeNotGrowing { point, time_s, previous_s });
        }
        previous_s = time_s;
        let lists = [
            ("positions", &values.positions, velocities_alone),
            ("velocities", &values.velocities, true),
            ("accelerations", &values.accelerations, true),
            ("efforts", &values.efforts, true),
        ];
        for (what, values, may_be_empty) in lists {
            if values.len() != expected && !(may_be_empty && values.is_empty()) {
                let got = values.len();
                return Err(RejectError::WrongLength { point, what, got, expected });
            }
            if let Some(column) = values.iter().position(|value| !value.is_finite()) {
                let (joint, value) = (request.joint_names[column].clone(), values[column]);
                return Err(RejectError::NotFinite { point, what, joint, value });
            }
        }
    }
    Ok(())
}
