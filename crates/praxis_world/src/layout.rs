use std::f64::consts::{PI, TAU};

use nalgebra::{Point2, Translation3, UnitQuaternion, Vector3};
use praxis_geometry::{Pose, Shape};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::classes::{ClassShape, ObjectClass, Range};
use crate::error::WorldError;
use crate::fixed::Colour;
use crate::footprint::Footprint;
use crate::world::World;

/// Whole layouts drawn before giving up.
const MAX_LAYOUTS: u32 = 400;
/// Places tried for one object before the layout starts over.
const MAX_PLACES: u32 = 60;

/// One solid of an object; several make its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// A box or a cylinder.
    pub shape: Shape,
    /// Where it sits in the object.
    pub object_from_part: Pose,
}

/// One thing on the table.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectInstance {
    /// Name; unique in the layout, such as `box_1`.
    pub id: String,
    /// Class name.
    pub class: String,
    /// The solids it is made of; they may overlap.
    pub parts: Vec<Part>,
    /// Edge lengths of its bounding box, metres.
    pub size_m: Vector3<f64>,
    /// Pose of the centre of its bounding box; upright.
    pub world_from_object: Pose,
    /// Surface colour.
    pub colour: Colour,
    /// Mass.
    pub mass_kg: f64,
}

impl World {
    /// The objects of one seed, standing apart on the table. One seed, one world, one layout.
    pub fn layout(&self, seed: u64) -> Result<Vec<ObjectInstance>, WorldError> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for _ in 0..MAX_LAYOUTS {
            if let Some(objects) = self.try_layout(&mut rng) {
                return Ok(objects);
            }
        }
        Err(WorldError::NoRoom {
            wanted: self.classes.len() * self.spawn.objects_per_class,
            clearance_m: self.spawn.clearance_m,
            seed,
            attempts: MAX_LAYOUTS,
        })
    }

    fn try_layout(&self, rng: &mut ChaCha8Rng) -> Option<Vec<ObjectInstance>> {
        let mut objects = Vec::new();
        let mut taken: Vec<Footprint> = Vec::new();
        for number in 1..=self.spawn.objects_per_class {
            for class in &self.classes {
                let mut object = class.draw(format!("{}_{number}", class.name), rng);
                object.mass_kg = even(rng, self.mass_kg);
                taken.push(self.find_place(&mut object, &taken, rng)?);
                objects.push(object);
            }
        }
        while self.spawn.at_most.is_some_and(|most| objects.len() > most) {
            objects.swap_remove(rng.random_range(0..objects.len()));
        }
        Some(objects)
    }

    fn find_place(
        &self,
        object: &mut ObjectInstance,
        taken: &[Footprint],
        rng: &mut ChaCha8Rng,
    ) -> Option<Footprint> {
        for _ in 0..MAX_PLACES {
            let centre = Point2::new(even(rng, self.spawn.x_m), even(rng, self.spawn.y_m));
            let yaw_rad = even(rng, [-PI, PI]);
            let outline = Footprint::rectangle(centre, object.size_m.xy(), yaw_rad);
            if taken.iter().all(|other| other.distance_m(&outline) >= self.spawn.clearance_m) {
                object.world_from_object = Pose::from_parts(
                    Translation3::new(centre.x, centre.y, 0.5 * object.size_m.z),
                    UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw_rad),
                );
                return Some(outline);
            }
        }
        None
    }
}

impl ObjectClass {
    /// One member of the class at the origin: proportions and colour drawn from `rng`.
    pub fn draw(&self, id: String, rng: &mut ChaCha8Rng) -> ObjectInstance {
        let (parts, size_m) = self.shape.draw(rng);
        ObjectInstance {
            id,
            class: self.name.clone(),
            parts,
            size_m,
            world_from_object: Pose::identity(),
            colour: draw_colour(rng),
            mass_kg: 0.1,
        }
    }
}

impl ClassShape {
    fn draw(&self, rng: &mut ChaCha8Rng) -> (Vec<Part>, Vector3<f64>) {
        match *self {
            Self::Box { width_m, elongation, longest_m, height_m } => {
                let width = even(rng, width_m);
                let length = (width * even(rng, elongation)).min(longest_m).max(width);
                let size = Vector3::new(length, width, even(rng, height_m));
                (vec![Part::cuboid(size)], size)
            }
            Self::Cylinder { radius_m, height_m } => {
                let (radius_m, length_m) = (even(rng, radius_m), even(rng, height_m));
                let shape = Shape::Cylinder { radius_m, length_m };
                let size = Vector3::new(2.0 * radius_m, 2.0 * radius_m, length_m);
                (vec![Part { shape, object_from_part: Pose::identity() }], size)
            }
            Self::Cross { span_m, bar_width_m, height_m } => {
                let (span, bar) = (even(rng, span_m), even(rng, bar_width_m));
                let height = even(rng, height_m);
                let bars = [Vector3::new(span, bar, height), Vector3::new(bar, span, height)];
                (bars.map(Part::cuboid).to_vec(), Vector3::new(span, span, height))
            }
        }
    }
}

impl Part {
    fn cuboid(size_m: Vector3<f64>) -> Self {
        Self {
            shape: Shape::Box { half_extents_m: 0.5 * size_m },
            object_from_part: Pose::identity(),
        }
    }
}

fn even(rng: &mut ChaCha8Rng, [low, high]: Range) -> f64 {
    low + (high - low) * rng.random::<f64>()
}

/// Any hue, from grey to strong, never very dark.
fn draw_colour(rng: &mut ChaCha8Rng) -> Colour {
    let hue = even(rng, [0.0, TAU]);
    let saturation = even(rng, [0.15, 0.95]);
    let value = even(rng, [0.45, 0.95]);
    [0.0, 1.0, 2.0].map(|channel| {
        let wave = 0.5 + 0.5 * (hue - channel * TAU / 3.0).cos();
        (value * (1.0 - saturation * (1.0 - wave))) as f32
    })
}
