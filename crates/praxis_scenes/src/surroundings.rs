//! What stands around the objects: table, wall, bins, floor, and things of no class.

use nalgebra::{Translation3, UnitQuaternion, Vector3};
use praxis_geometry::{Pose, Shape};
use praxis_render::{Material, Mesh, Scene};
use praxis_world::{ObjectInstance, World};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::random::{any_material, chance, even};

pub(crate) fn add_surroundings(
    world: &World,
    standard: bool,
    scene: &mut Scene,
    rng: &mut ChaCha8Rng,
) {
    let usual = standard || chance(rng, 0.35);
    let jitter = if standard { 0.0 } else { 0.04 };
    for fixed in &world.fixed {
        let is_table = fixed.id == "table";
        if !is_table && !standard && chance(rng, 0.25) {
            continue;
        }
        let material =
            if usual { near(fixed.colour, standard, rng) } else { any_material(rng, 0.01, 0.3) };
        let shape = Shape::Box { half_extents_m: 0.5 * fixed.size_m };
        let shift = if is_table { 0.0 } else { jitter };
        let pose = Translation3::new(even(rng, -shift, shift), even(rng, -shift, shift), 0.0)
            * fixed.world_from_box;
        scene.add(Mesh::of_shape(&shape), material, pose);
    }
    for bin in &world.bins {
        if !standard && chance(rng, 0.2) {
            continue;
        }
        let material =
            if usual { near(bin.colour, standard, rng) } else { any_material(rng, 0.01, 0.1) };
        let shift = Translation3::new(even(rng, -jitter, jitter), even(rng, -jitter, jitter), 0.0);
        for part in bin.boxes() {
            let shape = Shape::Box { half_extents_m: 0.5 * part.size_m };
            scene.add(Mesh::of_shape(&shape), material, shift * part.world_from_box);
        }
    }
    if !standard && chance(rng, 0.4) {
        let floor = Mesh::of_shape(&Shape::Box { half_extents_m: Vector3::new(4.0, 4.0, 0.01) });
        scene.add(floor, any_material(rng, 0.05, 0.8), Pose::translation(0.0, 0.0, -0.75));
    }
}

/// The colour of the world file, a little off unless the picture is to be the usual one.
fn near(colour: [f32; 3], exact: bool, rng: &mut ChaCha8Rng) -> Material {
    let spread = if exact { 0.0 } else { 0.1 };
    Material::plain(colour.map(|c| (c + even(rng, -spread, spread) as f32).clamp(0.0, 1.0)))
}

pub(crate) fn add_distractors(objects: &[ObjectInstance], scene: &mut Scene, rng: &mut ChaCha8Rng) {
    let count = if chance(rng, 0.5) { 0 } else { rng.random_range(1..=5) };
    for _ in 0..count {
        let (shape, radius, height): (_, f64, f64) = match rng.random_range(0..4) {
            0 => {
                let radius_m = even(rng, 0.015, 0.05);
                (Shape::Sphere { radius_m }, radius_m, 2.0 * radius_m)
            }
            1 => {
                let (radius_m, length_m) = (even(rng, 0.012, 0.02), even(rng, 0.09, 0.18));
                let height = length_m + 2.0 * radius_m;
                (Shape::Capsule { radius_m, length_m }, radius_m, height)
            }
            2 => {
                let flat = Vector3::new(even(rng, 0.03, 0.12), even(rng, 0.03, 0.12), 0.004);
                (Shape::Box { half_extents_m: flat }, flat.xy().norm(), 2.0 * flat.z)
            }
            _ => {
                let big =
                    Vector3::new(even(rng, 0.06, 0.12), even(rng, 0.05, 0.1), even(rng, 0.03, 0.1));
                (Shape::Box { half_extents_m: big }, big.xy().norm(), 2.0 * big.z)
            }
        };
        let place = Vector3::new(even(rng, 0.15, 0.95), even(rng, -0.6, 0.6), 0.5 * height);
        let clear = |object: &ObjectInstance| {
            let gap = object.world_from_object.translation.vector - place;
            gap.xy().norm() > radius + 0.5 * object.size_m.xy().norm()
        };
        if objects.iter().all(clear) {
            let turn = UnitQuaternion::from_axis_angle(
                &Vector3::z_axis(),
                even(rng, 0.0, std::f64::consts::TAU),
            );
            let pose = Pose::from_parts(Translation3::from(place), turn);
            scene.add(Mesh::of_shape(&shape), any_material(rng, 0.01, 0.05), pose);
        }
    }
}
