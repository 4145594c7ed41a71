//! The objects of a random table: their shapes and places.

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use praxis_geometry::Pose;
use praxis_world::{ClassShape, ObjectInstance, World};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::random::{Split, chance, even};

/// Ratios of height to width that training never shows.
const HELD_OUT_RATIOS: [f64; 2] = [1.10, 1.22];

pub(crate) fn random_objects(
    world: &World,
    split: Split,
    tool: Option<Isometry3<f64>>,
    rng: &mut ChaCha8Rng,
) -> Vec<ObjectInstance> {
    // Crowded tables teach more per picture.
    let crowded = split == Split::Train && chance(rng, 0.8);
    let count = if crowded { rng.random_range(8..=14) } else { rng.random_range(0..=10) };
    let mut objects: Vec<ObjectInstance> = Vec::new();
    for number in 0..count {
        let class = &world.classes[rng.random_range(0..world.classes.len())];
        let mut class = class.clone();
        widen(&mut class.shape);
        let mut object = loop {
            let object = class.draw(format!("object_{number}"), rng);
            let ratio = object.size_m.z / object.size_m.y;
            let held_out = (HELD_OUT_RATIOS[0]..HELD_OUT_RATIOS[1]).contains(&ratio);
            if held_out == (split == Split::HeldOut) {
                break object;
            }
        };
        for _ in 0..20 {
            let mut centre = random_place(world, if crowded { 0.8 } else { 0.65 }, rng);
            if number == 0
                && let Some(tool) = tool
                && chance(rng, 0.4)
            {
                centre = tool.translation.vector - Vector3::z() * even(rng, 0.0, 0.02);
                centre.z = (centre.z - 0.5 * object.size_m.z).max(0.0);
            }
            let apart = |other: &ObjectInstance| {
                let gap = other.world_from_object.translation.vector - centre;
                gap.xy().norm() > 0.5 * (other.size_m.xy().norm() + object.size_m.xy().norm())
            };
            if objects.iter().all(apart) {
                let yaw = even(rng, -std::f64::consts::PI, std::f64::consts::PI);
                object.world_from_object = Pose::from_parts(
                    Translation3::from(centre + Vector3::z() * 0.5 * object.size_m.z),
                    UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw),
                );
                objects.push(object);
                break;
            }
        }
    }
    objects
}

/// Wider proportions than the world file's, so that its own lie well inside.
fn widen(shape: &mut ClassShape) {
    let wider = |range: &mut [f64; 2]| *range = [0.88 * range[0], 1.12 * range[1]];
    match shape {
        ClassShape::Box { width_m, elongation, longest_m, height_m } => {
            wider(width_m);
            elongation[1] *= 1.1;
            *longest_m *= 1.1;
            wider(height_m);
        }
        ClassShape::Cylinder { radius_m, height_m } => {
            wider(radius_m);
            wider(height_m);
        }
        ClassShape::Cross { span_m, bar_width_m, height_m } => {
            wider(span_m);
            wider(bar_width_m);
            wider(height_m);
        }
    }
}

/// Where an object stands: mostly the pick area, else anywhere on the table or in a bin.
fn random_place(world: &World, pick_share: f64, rng: &mut ChaCha8Rng) -> Vector3<f64> {
    let draw = even(rng, 0.0, 1.0);
    if draw < pick_share {
        let ([x0, x1], [y0, y1]) = (world.spawn.x_m, world.spawn.y_m);
        return Vector3::new(even(rng, x0 - 0.05, x1 + 0.05), even(rng, y0 - 0.05, y1 + 0.08), 0.0);
    }
    if draw < pick_share + 0.15 && !world.bins.is_empty() {
        let bin = &world.bins[rng.random_range(0..world.bins.len())];
        let reach = 0.5 * bin.inner_size_m - Vector3::repeat(0.035);
        let mut place = bin.floor_centre_in_world.coords;
        place.x += even(rng, -1.0, 1.0) * reach.x.max(0.0);
        place.y += even(rng, -1.0, 1.0) * reach.y.max(0.0);
        return place;
    }
    Vector3::new(even(rng, 0.1, 0.85), even(rng, -0.5, 0.6), 0.0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rand::SeedableRng;

    use super::*;

    #[test]
    fn training_never_shows_the_proportions_that_are_held_out() {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/worlds/sort_table.yaml");
        let world = World::read(path).unwrap();
        for split in [Split::Train, Split::HeldOut] {
            let mut count = 0;
            for seed in 0..100 {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                for object in random_objects(&world, split, None, &mut rng) {
                    let ratio = object.size_m.z / object.size_m.y;
                    let held_out = (HELD_OUT_RATIOS[0]..HELD_OUT_RATIOS[1]).contains(&ratio);
                    assert_eq!(held_out, split == Split::HeldOut, "{ratio} in {split:?}");
                    count += 1;
                }
            }
            assert!(count > 200, "{count} objects in {split:?}");
        }
    }
}
