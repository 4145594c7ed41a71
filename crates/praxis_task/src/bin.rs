use nalgebra::{Point3, Vector2};

use crate::object::SeenObject;

/// An open container on the table, its inside upright and aligned with the planning frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Bin {
    /// Name, as in the world description.
    pub id: String,
    /// Class of object that belongs into it.
    pub class: String,
    /// Middle of the inner floor, planning frame, metres.
    pub floor_centre_in_world: Point3<f64>,
    /// Inner width along x and y, metres.
    pub inner_size_m: Vector2<f64>,
}

impl Bin {
    /// Whether a point lies over the bin's inner floor.
    pub fn is_below(&self, point_in_world: &Point3<f64>) -> bool {
        self.is_within(point_in_world, 0.0)
    }

    /// Whether a point lies over the bin or so near its walls that nothing can be picked there.
    pub fn is_around(&self, point_in_world: &Point3<f64>) -> bool {
        const TOO_NEAR_M: f64 = 0.04;
        self.is_within(point_in_world, TOO_NEAR_M)
    }

    fn is_within(&self, point_in_world: &Point3<f64>, margin_m: f64) -> bool {
        let offset = point_in_world.xy() - self.floor_centre_in_world.xy();
        offset.x.abs() <= 0.5 * self.inner_size_m.x + margin_m
            && offset.y.abs() <= 0.5 * self.inner_size_m.y + margin_m
    }
}

/// A place inside a bin for the next object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BinSlot {
    /// Where the middle of the object's underside should come to rest, planning frame.
    pub support_in_world: Point3<f64>,
}

impl Bin {
    /// The emptiest of the places that lie side by side along x, `pitch_m` apart.
    ///
    /// `inside` are the objects known to lie in the bin. If every place is taken the new object is
    /// put on top of what lies at the emptiest one.
    pub fn emptiest_slot(&self, pitch_m: f64, inside: &[SeenObject]) -> BinSlot {
        let room_m = |place: &Point3<f64>| {
            inside
                .iter()
                .map(|object| (object.centre_in_world.xy() - place.xy()).norm())
                .fold(f64::INFINITY, f64::min)
        };
        let emptiest = self
            .places(pitch_m)
            .into_iter()
            .reduce(|best, place| if room_m(&place) > room_m(&best) + 1e-9 { place } else { best })
            .unwrap_or(self.floor_centre_in_world);

        let top_below_m = inside
            .iter()
            .filter(|object| (object.centre_in_world.xy() - emptiest.xy()).norm() < 0.7 * pitch_m)
            .map(SeenObject::top_m)
            .fold(emptiest.z, f64::max);
        BinSlot { support_in_world: Point3::new(emptiest.x, emptiest.y, top_below_m) }
    }

    fn places(&self, pitch_m: f64) -> Vec<Point3<f64>> {
        let count = (self.inner_size_m.x / pitch_m + 1e-9).floor().max(1.0) as usize;
        (0..count)
            .map(|index| {
                let offset_m = (index as f64 - 0.5 * (count as f64 - 1.0)) * pitch_m;
                self.floor_centre_in_world + nalgebra::Vector3::new(offset_m, 0.0, 0.0)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::Vector3;

    fn bin() -> Bin {
        Bin {
            id: "bin_box".into(),
            class: "box".into(),
            floor_centre_in_world: Point3::new(0.4, 0.45, 0.005),
            inner_size_m: Vector2::new(0.18, 0.17),
        }
    }

    fn lying_at(place: &BinSlot) -> SeenObject {
        SeenObject {
            id: "1".into(),
            class: "box".into(),
            score: 1.0,
            centre_in_world: place.support_in_world + Vector3::new(0.0, 0.0, 0.02),
            yaw_rad: 0.0,
            size_m: Vector3::new(0.04, 0.04, 0.04),
        }
    }

    #[test]
    fn places_are_filled_side_by_side_and_then_stacked() {
        let first = bin().emptiest_slot(0.09, &[]);
        let second = bin().emptiest_slot(0.09, &[lying_at(&first)]);
        assert!(
            bin().is_below(&first.support_in_world) && bin().is_below(&second.support_in_world)
        );
        assert!((first.support_in_world - second.support_in_world).norm() > 0.089);

        let third = bin().emptiest_slot(0.09, &[lying_at(&first), lying_at(&second)]);
        assert!((third.support_in_world.z - 0.045).abs() < 1e-12);
    }
}
