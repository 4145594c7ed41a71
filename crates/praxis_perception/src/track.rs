//! One object over time.

use nalgebra::{Matrix3, Matrix6, Translation3, UnitQuaternion, Vector3, Vector6};
use praxis_geometry::{Pose, Stamp};
use praxis_network::{Card, ShapeKind};

use crate::exclusion::KnownBox;
use crate::sighting::{SeenShape, Sighting};
use crate::tracker::{MotionModel, TrackerConfig};
use crate::{wrapped, yaw_period_rad};

/// One object over time: a Kalman filter over place and velocity, and one over the heading.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Stays the same for as long as the object is known.
    pub id: u64,
    /// Index into the card's classes: the one with most votes.
    pub class: usize,
    /// Smoothed score, 0 to 1.
    pub score: f64,
    /// Centre of the bounding box in metres.
    pub centre_m: Vector3<f64>,
    /// Velocity of the centre; zero for what is taken to stand.
    pub velocity_mps: Vector3<f64>,
    /// Covariance of centre and velocity.
    pub covariance: Matrix6<f64>,
    /// Heading about the vertical.
    pub yaw_rad: f64,
    /// Variance of the heading.
    pub yaw_variance_rad2: f64,
    /// Full extents along its own axes in metres.
    pub size_m: Vector3<f64>,
    /// Frames in which it was seen.
    pub hits: u32,
    /// Frames in a row in which its place was seen without it.
    pub misses: u32,
    /// Frames in a row in which depth still showed it but the network did not.
    pub unnamed: u32,
    /// When it was seen last.
    pub last_seen: Stamp,
    /// The moment that the numbers above speak of.
    pub time: Stamp,
    /// What the hand holds it by, and where it is there.
    pub(crate) hold: Option<(u64, Pose)>,
    /// Where it was seen last, far from where it was known to be; a second sighting there is believed.
    seen_elsewhere_m: Option<Vector3<f64>>,
    votes: Vec<f64>,
    size_known: bool,
}

/// Squared distance, in standard deviations, beyond which a thing that stands was moved.
const MOVED: f64 = 16.0;

impl Track {
    pub(crate) fn born(
        id: u64,
        seen: &Sighting,
        stamp: Stamp,
        classes: usize,
        config: &TrackerConfig,
    ) -> Self {
        let mut votes = vec![0.0; classes];
        if let Some(vote) = votes.get_mut(seen.class) {
            *vote = seen.score;
        }
        let mut covariance = Matrix6::zeros();
        covariance.fixed_view_mut::<3, 3>(0, 0).copy_from(&seen.covariance_m2);
        let (velocity_mps, spread) = match (config.motion, seen.velocity) {
            (MotionModel::Static, _) => (Vector3::zeros(), Matrix3::zeros()),
            (MotionModel::ConstantVelocity, Some((velocity, spread))) => (velocity, spread),
            (MotionModel::ConstantVelocity, None) => {
                (Vector3::zeros(), Matrix3::identity() * config.birth_speed_mps.powi(2))
            }
        };
        covariance.fixed_view_mut::<3, 3>(3, 3).copy_from(&spread);
        let shape = seen.shape.unwrap_or(SeenShape {
            yaw_rad: 0.0,
            yaw_variance_rad2: 10.0,
            size_m: Vector3::repeat(0.0),
            is_measured: false,
        });
        Self {
            id,
            class: seen.class,
            score: seen.score,
            centre_m: seen.centre_m,
            velocity_mps,
            covariance,
            yaw_rad: shape.yaw_rad,
            yaw_variance_rad2: shape.yaw_variance_rad2,
            size_m: shape.size_m,
            hits: 1,
            misses: 0,
            unnamed: 0,
            last_seen: stamp,
            time: stamp,
            hold: None,
            seen_elsewhere_m: None,
            votes,
            size_known: shape.is_measured,
        }
    }

    /// The object's pose in the planning frame.
    pub fn world_from_object(&self) -> Pose {
        let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), self.yaw_rad);
        Pose::from_parts(Translation3::from(self.centre_m), turn)
    }

    /// Covariance of the centre.
    pub fn position_covariance_m2(&self) -> Matrix3<f64> {
        self.covariance.fixed_view::<3, 3>(0, 0).into_owned()
    }

    /// Whether the robot holds it.
    pub fn is_held(&self) -> bool {
        self.hold.is_some()
    }

    /// The object's box, by which its points are told from obstacles.
    pub fn known_box(&self) -> KnownBox {
        KnownBox::new(&self.world_from_object(), &self.size_m)
    }

    /// What is to be expected at another moment, such as now: the place along the velocity, with
    /// the uncertainty that grows on the way.
    #[must_use]
    pub fn at(&self, moment: Stamp, config: &TrackerConfig) -> Self {
        let mut ahead = self.clone();
        ahead.predict(moment, config);
        ahead
    }

    /// Lets time pass until `moment`; a moment before its own changes nothing.
    pub(crate) fn predict(&mut self, moment: Stamp, config: &TrackerConfig) {
        let seconds = moment.seconds_since(self.time);
        if seconds <= 0.0 {
            return;
        }
        self.time = moment;
        self.yaw_variance_rad2 += config.drift_rad.powi(2) * seconds;
        let drift = config.drift_m.powi(2) * seconds;
        for axis in 0..3 {
            self.covariance[(axis, axis)] += drift;
        }
        if config.motion == MotionModel::Static {
            return;
        }
        self.centre_m += self.velocity_mps * seconds;
        let mut step = Matrix6::identity();
        for axis in 0..3 {
            step[(axis, axis + 3)] = seconds;
        }
        // White noise on the acceleration.
        let q = config.acceleration_mps2.powi(2);
        let (pp, pv, vv) = (seconds.powi(4) / 4.0, seconds.powi(3) / 2.0, seconds.powi(2));
        self.covariance = step * self.covariance * step.transpose();
        for axis in 0..3 {
            self.covariance[(axis, axis)] += q * pp;
            self.covariance[(axis, axis + 3)] += q * pv;
            self.covariance[(axis + 3, axis)] += q * pv;
            self.covariance[(axis + 3, axis + 3)] += q * vv;
        }
    }

    /// Squared distance of a sighting in standard deviations of both.
    pub(crate) fn mahalanobis2(&self, seen: &Sighting) -> f64 {
        let innovation = seen.centre_m - self.centre_m;
        let spread = self.position_covariance_m2() + seen.covariance_m2;
        spread
            .try_inverse()
            .map_or(f64::INFINITY, |inverse| innovation.dot(&(inverse * innovation)))
    }

    /// Takes in what was seen of it.
    pub(crate) fn correct(
        &mut self,
        seen: &Sighting,
        stamp: Stamp,
        card: &Card,
        config: &TrackerConfig,
    ) {
        self.hits = self.hits.saturating_add(1);
        (self.misses, self.unnamed) = (0, 0);
        self.last_seen = self.last_seen.max(stamp);
        self.score += 0.2 * (seen.score - self.score);
        self.vote(seen);
        if self.is_held() {
            // The joints know better than any picture where the hand is.
            return;
        }
        self.correct_place(seen, config);
        if let Some(shape) = seen.shape.filter(|shape| shape.is_measured)
            && seen.class == self.class
        {
            self.correct_shape(&shape, card);
        }
    }

    /// Follows the hand.
    pub(crate) fn follow(&mut self, world_from_object: &Pose, stamp: Stamp) {
        const SIGMA_M: f64 = 0.003;
        self.centre_m = world_from_object.translation.vector;
        self.yaw_rad = praxis_geometry::yaw_rad(world_from_object);
        self.velocity_mps = Vector3::zeros();
        self.covariance = Matrix6::zeros();
        for axis in 0..3 {
            self.covariance[(axis, axis)] = SIGMA_M.powi(2);
        }
        (self.misses, self.unnamed) = (0, 0);
        self.last_seen = self.last_seen.max(stamp);
    }

    /// It was let go: it may have slipped, rolled or fallen a little.
    pub(crate) fn release(&mut self) {
        const SIGMA_M: f64 = 0.02;
        const SIGMA_RAD: f64 = 0.3;
        self.hold = None;
        for axis in 0..3 {
            self.covariance[(axis, axis)] += SIGMA_M.powi(2);
        }
        self.yaw_variance_rad2 += SIGMA_RAD.powi(2);
    }

    fn vote(&mut self, seen: &Sighting) {
        for vote in &mut self.votes {
            *vote *= 0.95;
        }
        if let Some(vote) = self.votes.get_mut(seen.class) {
            *vote += seen.score;
        }
        let best = (0..self.votes.len()).max_by(|&a, &b| self.votes[a].total_cmp(&self.votes[b]));
        let Some(best) = best.filter(|&best| best != self.class) else { return };
        self.class = best;
        // Yaw and size were fitted for another shape.
        self.size_known = false;
    }

    fn correct_place(&mut self, seen: &Sighting, config: &TrackerConfig) {
        let innovation = seen.centre_m - self.centre_m;
        if config.motion == MotionModel::Static && self.mahalanobis2(seen) > MOVED {
            // One false sighting must not drag away what has been told.
            let near = |at: Vector3<f64>| (at - seen.centre_m).norm() < 0.5 * config.gate_m;
            if self.hits > config.birth_hits && !self.seen_elsewhere_m.is_some_and(near) {
                self.seen_elsewhere_m = Some(seen.centre_m);
                return;
            }
            // It was moved: what was known of its place counts no more.
            for axis in 0..3 {
                self.covariance[(axis, axis)] = innovation.norm_squared();
            }
            self.yaw_variance_rad2 = 1.0;
        }
        self.seen_elsewhere_m = None;
        let spread = self.position_covariance_m2() + seen.covariance_m2;
        let Some(inverse) = spread.try_inverse() else { return };
        let gain = self.covariance.fixed_view::<6, 3>(0, 0) * inverse;
        self.add(gain * innovation);
        self.covariance -= gain * self.covariance.fixed_view::<3, 6>(0, 0);
        if let (MotionModel::ConstantVelocity, Some((velocity, noise))) =
            (config.motion, seen.velocity)
        {
            let spread = self.covariance.fixed_view::<3, 3>(3, 3) + noise;
            let Some(inverse) = spread.try_inverse() else { return };
            let gain = self.covariance.fixed_view::<6, 3>(0, 3) * inverse;
            self.add(gain * (velocity - self.velocity_mps));
            self.covariance -= gain * self.covariance.fixed_view::<3, 6>(3, 0);
        }
        // Rounding must not make it lopsided.
        self.covariance = 0.5 * (self.covariance + self.covariance.transpose());
    }

    fn add(&mut self, change: Vector6<f64>) {
        self.centre_m += change.fixed_rows::<3>(0);
        self.velocity_mps += change.fixed_rows::<3>(3);
    }

    fn correct_shape(&mut self, seen: &SeenShape, card: &Card) {
        if !self.size_known {
            self.size_known = true;
            (self.size_m, self.yaw_rad) = (seen.size_m, seen.yaw_rad);
            self.yaw_variance_rad2 = seen.yaw_variance_rad2;
            return;
        }
        let Some(class) = card.classes.get(self.class) else { return };
        let (yaw, size) = aligned(seen, self.yaw_rad, class.shape);
        self.size_m += (size - self.size_m) * 0.2;
        let Some(period) = yaw_period_rad(class) else { return };
        let noise = seen.yaw_variance_rad2;
        let innovation = wrapped(yaw - self.yaw_rad, period);
        if innovation.powi(2) > MOVED * (self.yaw_variance_rad2 + noise) {
            self.yaw_variance_rad2 = innovation.powi(2);
        }
        let gain = self.yaw_variance_rad2 / (self.yaw_variance_rad2 + noise);
        self.yaw_rad = wrapped(self.yaw_rad + gain * innovation, period);
        self.yaw_variance_rad2 *= 1.0 - gain;
    }
}

/// A nearly square box may be read with its sides swapped; this picks the reading nearer to what
/// is known.
fn aligned(seen: &SeenShape, known_yaw_rad: f64, shape: ShapeKind) -> (f64, Vector3<f64>) {
    use std::f64::consts::{FRAC_PI_2, PI};
    let straight = wrapped(seen.yaw_rad - known_yaw_rad, PI).abs();
    if shape != ShapeKind::Box || straight <= PI / 4.0 {
        return (seen.yaw_rad, seen.size_m);
    }
    let size = seen.size_m;
    let square = size.y >= 0.8 * size.x;
    if square {
        (seen.yaw_rad + FRAC_PI_2, Vector3::new(size.y, size.x, size.z))
    } else {
        (seen.yaw_rad, size)
    }
}
