use std::sync::Arc;

use nalgebra::{DVector, Matrix6, Vector3, Vector6};
use praxis_geometry::Pose;
use praxis_robot::Robot;
use praxis_trajectory::{JointLimits, JointSample, Knot, Trajectory};

use crate::ControlError;
use crate::monitor::{Ahead, Monitor, Threat};

/// Least damping of the inverse of the Jacobian: rounding.
const LEAST_DAMPING: f64 = 1e-4;
/// Span over which it is seen whether a motion leads towards a singularity, seconds.
const PROBE_S: f64 = 0.01;
/// Nearer than this to a bound a joint does not go on towards it, radians.
const AT_BOUND: f64 = 0.005;
/// Share of the acceleration limit on which slowing down before a bound counts.
const BRAKING_SHARE: f64 = 0.3;

/// How servo input is followed.
#[derive(Clone, Debug, PartialEq)]
pub struct ServoConfig {
    /// Below this smallest singular value of the Jacobian motions are damped.
    pub singular_below: f64,
    /// Below this they go on only if they lead away from the singularity.
    pub singular_stop: f64,
    /// Highest damping of the inverse.
    pub damping: f64,
    /// Highest speed of the tool, metres per second.
    pub linear_mps: f64,
    /// Highest turning of the tool, radians per second.
    pub angular_rad_per_s: f64,
    /// How quickly a pose target is approached, 1/s.
    pub pose_gain_per_s: f64,
    /// Time ahead that is checked for collisions, seconds.
    pub look_ahead_s: f64,
}

impl Default for ServoConfig {
    fn default() -> Self {
        Self {
            singular_below: 0.06,
            singular_stop: 0.01,
            damping: 0.05,
            linear_mps: 0.5,
            angular_rad_per_s: 1.5,
            pose_gain_per_s: 4.0,
            look_ahead_s: 1.5,
        }
    }
}

/// What someone wants the arm to do now.
#[derive(Clone, Debug, PartialEq)]
pub enum ServoInput {
    /// Velocities of the controller's joints, in its order.
    Joints(Vec<f64>),
    /// Velocity and turning of the tool.
    Twist {
        /// Metres per second.
        linear: Vector3<f64>,
        /// Radians per second.
        angular: Vector3<f64>,
        /// Link whose axes they are told in; `None` for the root's.
        axes: Option<usize>,
    },
    /// Where the tool is to be, in the root frame.
    Pose(Pose),
}

/// What became of it; numbers of moveit_msgs/ServoStatus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum ServoStatus {
    /// The input makes no sense.
    Invalid = -1,
    /// As wanted.
    NoWarning = 0,
    /// Slower, for it leads towards a singularity.
    NearSingularity = 1,
    /// It stands, for it would go into a singularity.
    AtSingularity = 2,
    /// It leads out of a singularity.
    LeavingSingularity = 3,
    /// Slower, for something is in the way.
    NearCollision = 4,
    /// It stands before something.
    AtCollision = 5,
    /// A joint is at its bound, or slows down before it.
    JointBound = 6,
}

/// What servoing wants, and why it is not what was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct ServoAnswer {
    /// Velocities, in the controller's order.
    pub velocity: Vec<f64>,
    /// The strongest reason.
    pub status: ServoStatus,
    /// What is in the way.
    pub threat: Option<Threat>,
    /// Joint at its bound.
    pub joint: Option<usize>,
}

/// Turns servo input into joint velocities: damped near singularities but always able to leave
/// them, slowed down before joint bounds and before contact. Smoothing is left to the gate.
#[derive(Debug)]
pub struct Servo {
    robot: Arc<Robot>,
    joints: Vec<usize>,
    names: Vec<String>,
    link: usize,
    limits: JointLimits,
    config: ServoConfig,
    session: u64,
}

impl Servo {
    /// For the joints of a controller and the link that is led.
    pub fn new(
        robot: Arc<Robot>,
        joint_names: &[String],
        link: &str,
        limits: JointLimits,
        config: ServoConfig,
    ) -> Result<Self, ControlError> {
        let unknown = |error| ControlError::Robot { reason: format!("{error}") };
        let joints = joint_names.iter().map(|name| robot.joint_index(name).map_err(unknown));
        let joints = joints.collect::<Result<Vec<_>, _>>()?;
        let link = robot.link_index(link).map_err(unknown)?;
        if joints.len() != limits.dim() {
            let (names, limits) = (joints.len(), limits.dim());
            return Err(ControlError::LimitsMismatch { names, limits });
        }
        let names = joint_names.to_vec();
        Ok(Self { robot, joints, names, link, limits, config, session: u64::MAX / 2 })
    }

    /// Begins anew: what the arm touches when it next stands still at the beginning is excused.
    pub fn begin(&mut self) {
        self.session += 1;
    }

    /// Velocities for the next moment, from the commanded state; `state` of the whole robot.
    pub fn answer(
        &mut self,
        input: &ServoInput,
        commanded: &JointSample,
        state: &[f64],
        stop_s: f64,
        monitor: &mut Monitor,
    ) -> ServoAnswer {
        let mut whole = state.to_vec();
        for (&joint, &position) in self.joints.iter().zip(&commanded.position) {
            whole[joint] = position;
        }
        let invalid = || ServoAnswer {
            velocity: vec![0.0; self.joints.len()],
            status: ServoStatus::Invalid,
            threat: None,
            joint: None,
        };
        let (velocity, mut status) = match input {
            ServoInput::Joints(velocity) => (velocity.clone(), ServoStatus::NoWarning),
            ServoInput::Twist { linear, angular, axes } => {
                let turned = axes.and_then(|link| {
                    (link < self.robot.links().len()).then(|| self.robot.link_pose(link, &whole))
                });
                let rotation = turned.map_or_else(Default::default, |pose| pose.rotation);
                self.follow_twist(rotation * linear, rotation * angular, &whole)
            }
            ServoInput::Pose(target) => {
                let at = self.robot.link_pose(self.link, &whole);
                let gain = self.config.pose_gain_per_s;
                let linear = gain * (target.translation.vector - at.translation.vector);
                let turn = (target.rotation * at.rotation.inverse()).scaled_axis();
                self.follow_twist(linear, gain * turn, &whole)
            }
        };
        if velocity.len() != self.joints.len() || velocity.iter().any(|v| !v.is_finite()) {
            return invalid();
        }
        let velocity = self.within_speed(velocity);
        let (mut velocity, joint) = self.before_bounds(velocity, &commanded.position);
        if joint.is_some() {
            status = ServoStatus::JointBound;
        }
        let threat = match self.look_ahead(&velocity, commanded, &whole, stop_s, monitor) {
            Some((rate, threat)) => {
                velocity.iter_mut().for_each(|v| *v *= rate);
                if rate < 1.0 {
                    let stands = rate == 0.0;
                    let [at, near] = [ServoStatus::AtCollision, ServoStatus::NearCollision];
                    status = if stands { at } else { near };
                }
                threat
            }
            None => return invalid(),
        };
        ServoAnswer { velocity, status, threat, joint }
    }

    /// Joint velocities that give the tool a twist, damped near singularities.
    fn follow_twist(
        &self,
        linear: Vector3<f64>,
        angular: Vector3<f64>,
        whole: &[f64],
    ) -> (Vec<f64>, ServoStatus) {
        let linear = linear.cap_magnitude(self.config.linear_mps);
        let angular = angular.cap_magnitude(self.config.angular_rad_per_s);
        let twist = Vector6::new(linear.x, linear.y, linear.z, angular.x, angular.y, angular.z);
        if twist == Vector6::zeros() || twist.iter().any(|value| !value.is_finite()) {
            let bad = twist.iter().any(|value| !value.is_finite());
            let status = if bad { ServoStatus::Invalid } else { ServoStatus::NoWarning };
            return (vec![0.0; self.joints.len()], status);
        }
        let least = self.least_singular_value(whole);
        let ServoConfig { singular_below, singular_stop, damping, .. } = self.config;
        if least >= singular_below {
            return (self.inverse(&twist, whole, LEAST_DAMPING), ServoStatus::NoWarning);
        }
        let nearness = 1.0 - (least / singular_below).powi(2);
        let velocity = self.inverse(&twist, whole, damping * nearness.sqrt());
        let mut soon = whole.to_vec();
        for (&joint, velocity) in self.joints.iter().zip(&velocity) {
            soon[joint] += PROBE_S * velocity;
        }
        if self.least_singular_value(&soon) >= least {
            return (velocity, ServoStatus::LeavingSingularity);
        }
        let share = ((least - singular_stop) / (singular_below - singular_stop)).clamp(0.0, 1.0);
        let status =
            if share == 0.0 { ServoStatus::AtSingularity } else { ServoStatus::NearSingularity };
        (velocity.iter().map(|v| share * v).collect(), status)
    }

    /// Damped least squares (Nakamura and Hanafusa 1986): `Jᵀ (J Jᵀ + λ² I)⁻¹ v`.
    fn inverse(&self, twist: &Vector6<f64>, whole: &[f64], damping: f64) -> Vec<f64> {
        let jacobian = self.robot.jacobian(&self.joints, self.link, whole);
        let square: Matrix6<f64> =
            &jacobian * jacobian.transpose() + Matrix6::identity() * (damping * damping);
        let Some(inverse) = square.try_inverse() else { return vec![0.0; self.joints.len()] };
        let velocity: DVector<f64> = jacobian.transpose() * (inverse * twist);
        velocity.iter().copied().collect()
    }

    fn least_singular_value(&self, whole: &[f64]) -> f64 {
        let jacobian = self.robot.jacobian(&self.joints, self.link, whole);
        let values = jacobian.singular_values();
        values.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// All joints slower in proportion where one would be too fast: the direction stays.
    fn within_speed(&self, mut velocity: Vec<f64>) -> Vec<f64> {
        let limits = self.limits.joints().iter();
        let over = velocity.iter().zip(limits).map(|(v, limit)| v.abs() / limit.velocity);
        let most = over.fold(1.0, f64::max);
        velocity.iter_mut().for_each(|v| *v /= most);
        velocity
    }

    /// All joints slower in proportion before one comes to its bound.
    fn before_bounds(&self, mut velocity: Vec<f64>, position: &[f64]) -> (Vec<f64>, Option<usize>) {
        let (mut share, mut at) = (1.0, None);
        for (joint, limit) in self.limits.joints().iter().enumerate() {
            let v = velocity[joint];
            let room = if v > 0.0 {
                limit.max_position - position[joint]
            } else {
                position[joint] - limit.min_position
            };
            let room = (room - AT_BOUND).max(0.0);
            let most = (2.0 * BRAKING_SHARE * limit.acceleration * room).sqrt();
            if v != 0.0 && most < share * v.abs() {
                (share, at) = (most / v.abs(), Some(joint));
            }
        }
        velocity.iter_mut().for_each(|v| *v *= share);
        (velocity, at)
    }

    /// The rate that the monitor allows if it went on like this; `None` if that cannot be looked at.
    fn look_ahead(
        &self,
        velocity: &[f64],
        commanded: &JointSample,
        whole: &[f64],
        stop_s: f64,
        monitor: &mut Monitor,
    ) -> Option<(f64, Option<Threat>)> {
        let knot = |time_s: f64| Knot {
            time_s,
            position: commanded
                .position
                .iter()
                .zip(velocity)
                .map(|(p, v)| p + time_s * v)
                .collect(),
            velocity: Vec::new(),
            acceleration: Vec::new(),
        };
        let knots = [knot(0.0), knot(self.config.look_ahead_s)];
        let trajectory = Trajectory::new(self.names.clone(), &knots).ok()?;
        let ahead = Ahead {
            motion: self.session,
            trajectory: &trajectory,
            time_s: 0.0,
            commanded,
            rate: 1.0,
            stop_s,
        };
        let verdict = monitor.look(&ahead, whole, 0.0);
        Some((if verdict.must_brake { 0.0 } else { verdict.rate }, verdict.threat))
    }
}
