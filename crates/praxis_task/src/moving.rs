use std::collections::VecDeque;

use nalgebra::{Point3, Vector3};

use crate::object::SeenObject;

/// Sightings older than this say nothing about the motion of now, unless there are no newer ones,
/// seconds.
const WINDOW_S: f64 = 1.2;
/// So many are kept whatever their age: nobody looks while the arm is on its way.
const KEPT: usize = 8;
/// From so many sightings over so long on a velocity is believed.
const LEAST_SIGHTINGS: usize = 4;
const LEAST_SPAN_S: f64 = 0.25;
/// Seen farther than this from where it was expected it was pushed or put elsewhere: what was known
/// of its motion counts no more, metres.
const PUSHED_M: f64 = 0.012;

/// One object that goes on as it goes: a straight line through its last sightings.
#[derive(Clone, Debug)]
pub struct MovingObject {
    object: SeenObject,
    sightings: VecDeque<(f64, Point3<f64>)>,
}

impl MovingObject {
    /// An object that was seen for the first time.
    pub fn new(taken_s: f64, object: SeenObject) -> Self {
        let sightings = VecDeque::from([(taken_s, object.centre_in_world)]);
        Self { object, sightings }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.object.id
    }

    /// When it was seen last, seconds.
    pub fn last_s(&self) -> f64 {
        self.sightings.back().map_or(f64::NEG_INFINITY, |last| last.0)
    }

    /// Takes a later sighting of it.
    pub fn see(&mut self, taken_s: f64, object: SeenObject) {
        if taken_s <= self.last_s() {
            return;
        }
        let place = object.centre_in_world;
        let is_elsewhere =
            self.at(taken_s).is_some_and(|expected| (expected.0 - place).norm() > PUSHED_M);
        if is_elsewhere {
            self.sightings.clear();
        }
        while self.sightings.len() > KEPT
            && self.sightings.front().is_some_and(|first| taken_s - first.0 > WINDOW_S)
        {
            self.sightings.pop_front();
        }
        self.sightings.push_back((taken_s, place));
        self.object = object;
    }

    /// Its centre and velocity (m, m/s) at a moment; none before it has been watched long enough.
    pub fn at(&self, time_s: f64) -> Option<(Point3<f64>, Vector3<f64>)> {
        let (first, last) = (self.sightings.front()?, self.sightings.back()?);
        if self.sightings.len() < LEAST_SIGHTINGS || last.0 - first.0 < LEAST_SPAN_S {
            return None;
        }
        // Least squares, about the middle so that large clock readings do no harm.
        let count = self.sightings.len() as f64;
        let mean_s = self.sightings.iter().map(|s| s.0 - first.0).sum::<f64>() / count + first.0;
        let mean = self.sightings.iter().map(|s| s.1.coords).sum::<Vector3<f64>>() / count;
        let (mut along, mut spread) = (Vector3::zeros(), 0.0);
        for (taken_s, place) in &self.sightings {
            along += (taken_s - mean_s) * (place.coords - mean);
            spread += (taken_s - mean_s).powi(2);
        }
        let mut velocity = along / spread;
        // It stands on its support.
        velocity.z = 0.0;
        Some((Point3::from(mean + (time_s - mean_s) * velocity), velocity))
    }

    /// The object as it is expected at a moment.
    pub fn expected(&self, time_s: f64) -> Option<SeenObject> {
        let (centre_in_world, _) = self.at(time_s)?;
        Some(SeenObject { centre_in_world, ..self.object.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(y_m: f64) -> SeenObject {
        SeenObject {
            id: "1".into(),
            class: "box".into(),
            score: 0.9,
            centre_in_world: Point3::new(0.5, y_m, 0.02),
            yaw_rad: 0.0,
            size_m: Vector3::new(0.05, 0.04, 0.04),
        }
    }

    /// Watched at 15 Hz from `from_s` on, at 5 cm/s, with 1 mm to and fro.
    fn watch(object: &mut MovingObject, from_s: f64, y_m: f64, views: usize) {
        for view in 0..views {
            let late_s = view as f64 / 15.0;
            let noise_m = if view % 2 == 0 { 5e-4 } else { -5e-4 };
            object.see(from_s + late_s, seen(y_m + 0.05 * late_s + noise_m));
        }
    }

    #[test]
    fn a_second_ahead_is_told_within_two_millimetres() {
        let start_s = 1.7e9;
        let mut object = MovingObject::new(start_s - 1.0, seen(-0.3));
        assert!(object.at(start_s).is_none(), "one sighting is no motion");
        watch(&mut object, start_s, -0.25, 18);
        let (place, velocity) = object.at(object.last_s() + 1.0).unwrap();
        let expected_m = -0.25 + 0.05 * (17.0 / 15.0 + 1.0);
        assert!((place.y - expected_m).abs() < 2e-3, "{place}");
        assert!((velocity.y - 0.05).abs() < 2e-3, "{velocity}");
    }

    #[test]
    fn what_was_pushed_is_watched_anew() {
        let mut object = MovingObject::new(0.0, seen(0.0));
        watch(&mut object, 0.1, 0.0, 15);
        assert!(object.at(1.2).is_some());
        object.see(1.3, seen(0.2));
        assert!(object.at(1.3).is_none());
        watch(&mut object, 1.4, 0.2, 15);
        assert!((object.at(2.4).unwrap().0.y - 0.25).abs() < 3e-3);
    }
}
