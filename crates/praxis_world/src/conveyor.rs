use nalgebra::{Point2, Vector2};

/// A fixed box whose upper side moves: a belt that carries what stands on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Conveyor {
    /// Id of the fixed box.
    pub id: String,
    /// Velocity of its surface, metres per second.
    pub velocity_mps: Vector2<f64>,
    /// What has been carried so far from the middle of the box is put back as far before it, metres.
    pub turns_back_m: f64,
}

impl Conveyor {
    /// Where something goes on that has come to `place`, seen from the middle of the belt; none as
    /// long as it is still carried there.
    pub fn put_back(&self, place: &Point2<f64>) -> Option<Point2<f64>> {
        let along = self.velocity_mps.normalize();
        let come_m = along.dot(&place.coords);
        (come_m > self.turns_back_m).then(|| place - 2.0 * self.turns_back_m * along)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_come_to_the_end_begins_anew() {
        let id = "belt".to_owned();
        let belt = Conveyor { id, velocity_mps: Vector2::new(0.0, -0.05), turns_back_m: 0.4 };
        assert_eq!(belt.put_back(&Point2::new(0.1, -0.39)), None);
        let back = belt.put_back(&Point2::new(0.1, -0.41)).unwrap();
        assert!((back - Point2::new(0.1, 0.39)).norm() < 1e-12);
    }
}
