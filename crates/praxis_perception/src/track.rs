//! One object over time.

use nalgebra::{Translation3, UnitQuaternion, Vector3};
use praxis_geometry::{Pose, Stamp};
use praxis_network::{Card, ShapeKind};

use crate::object::{Evidence, SeenObject};
use crate::{wrapped, yaw_period_rad};

/// One object over time, with a constant-position filter.
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
    /// Variance of each coordinate of the centre.
    pub position_variance_m2: f64,
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
    votes: Vec<f64>,
    size_known: bool,
}

impl Track {
    pub(crate) fn born(id: u64, seen: &SeenObject, stamp: Stamp, classes: usize) -> Self {
        let mut votes = vec![0.0; classes];
        if let Some(vote) = votes.get_mut(seen.class) {
            *vote = f64::from(seen.score);
        }
        Self {
            id,
            class: seen.class,
            score: f64::from(seen.score),
            centre_m: seen.centre_m,
            position_variance_m2: seen.position_sigma_m.powi(2),
            yaw_rad: seen.yaw_rad,
            yaw_variance_rad2: seen.yaw_sigma_rad.powi(2),
            size_m: seen.size_m,
            hits: 1,
            misses: 0,
            unnamed: 0,
            last_seen: stamp,
            votes,
            size_known: seen.evidence == Evidence::Depth,
        }
    }

    /// The object's pose in the planning frame.
    pub fn world_from_object(&self) -> Pose {
        let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), self.yaw_rad);
        Pose::from_parts(Translation3::from(self.centre_m), turn)
    }

    /// Lets uncertainty grow with time.
    pub(crate) fn predict(&mut self, seconds: f64, drift_m2_per_s: f64, drift_rad2_per_s: f64) {
        self.position_variance_m2 += drift_m2_per_s * seconds.max(0.0);
        self.yaw_variance_rad2 += drift_rad2_per_s * seconds.max(0.0);
    }

    /// Takes in what was seen of it.
    pub(crate) fn correct(&mut self, seen: &SeenObject, stamp: Stamp, card: &Card) {
        self.hits = self.hits.saturating_add(1);
        (self.misses, self.unnamed) = (0, 0);
        self.last_seen = stamp;
        self.score += 0.2 * (f64::from(seen.score) - self.score);
        self.vote(seen);
        self.correct_position(seen);
        if seen.class == self.class && seen.evidence == Evidence::Depth {
            self.correct_shape(seen, card);
        }
    }

    fn vote(&mut self, seen: &SeenObject) {
        for vote in &mut self.votes {
            *vote *= 0.95;
        }
        if let Some(vote) = self.votes.get_mut(seen.class) {
            *vote += f64::from(seen.score);
        }
        let best = (0..self.votes.len()).max_by(|&a, &b| self.votes[a].total_cmp(&self.votes[b]));
        let Some(best) = best.filter(|&best| best != self.class) else { return };
        self.class = best;
        // Yaw and size were fitted for another shape.
        self.size_known = false;
    }

    fn correct_position(&mut self, seen: &SeenObject) {
        let noise = seen.position_sigma_m.powi(2);
        let innovation = seen.centre_m - self.centre_m;
        let expected = self.position_variance_m2 + noise;
        if innovation.norm_squared() > 16.0 * expected {
            // It was moved: what was known of its place counts no more.
            self.position_variance_m2 = innovation.norm_squared();
            self.yaw_variance_rad2 = 1.0;
        }
        let gain = self.position_variance_m2 / (self.position_variance_m2 + noise);
        self.centre_m += innovation * gain;
        self.position_variance_m2 *= 1.0 - gain;
    }

    fn correct_shape(&mut self, seen: &SeenObject, card: &Card) {
        if !self.size_known {
            self.size_known = true;
            (self.size_m, self.yaw_rad) = (seen.size_m, seen.yaw_rad);
            self.yaw_variance_rad2 = seen.yaw_sigma_rad.powi(2);
            return;
        }
        let class = &card.classes[self.class];
        let (yaw, size) = aligned(seen, self.yaw_rad, class.shape);
        self.size_m += (size - self.size_m) * 0.2;
        let Some(period) = yaw_period_rad(class) else { return };
        let noise = seen.yaw_sigma_rad.powi(2);
        let innovation = wrapped(yaw - self.yaw_rad, period);
        if innovation.powi(2) > 16.0 * (self.yaw_variance_rad2 + noise) {
            self.yaw_variance_rad2 = innovation.powi(2);
        }
        let gain = self.yaw_variance_rad2 / (self.yaw_variance_rad2 + noise);
        self.yaw_rad = wrapped(self.yaw_rad + gain * innovation, period);
        self.yaw_variance_rad2 *= 1.0 - gain;
    }
}

/// A nearly square box may be read with its sides swapped; this picks the reading nearer to what
/// is known.
fn aligned(seen: &SeenObject, known_yaw_rad: f64, shape: ShapeKind) -> (f64, Vector3<f64>) {
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
