//! One random table, seen by one random camera.

use nalgebra::{Isometry3, Matrix3, Rotation3, Translation3, UnitQuaternion, Vector3};
use praxis_geometry::{Pose, Shape};
use praxis_render::{Camera, Frame, InstanceId, Light, Material, Mesh, Renderer, Scene};
use praxis_world::{ClassShape, Intrinsics, ObjectInstance, World};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::label::label;
use crate::panda::PandaMeshes;
use crate::random::{Split, any_colour, any_material, chance, even, object_material};

/// Ratios of height to width that training never shows.
const HELD_OUT_RATIOS: [f64; 2] = [1.10, 1.22];

/// Draws a picture at full size; the network's is half of it along each side.
pub fn picture(
    world: &World,
    panda: &PandaMeshes,
    split: Split,
    seed: u64,
    renderer: &mut Renderer,
    frame: &mut Frame,
) -> anyhow::Result<Vec<Value>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let rng = &mut rng;
    let mut scene = Scene::default();
    let standard = split == Split::Demo;
    add_surroundings(world, standard, &mut scene, rng);
    let mut tool = None;
    if chance(rng, 0.75) {
        tool = Some(panda.add_to(&mut scene, rng));
    }

    let objects =
        if standard { world.layout(seed)? } else { random_objects(world, split, tool, rng) };
    let mut instances: Vec<Vec<InstanceId>> = Vec::new();
    for object in &objects {
        let material =
            if standard { Material::plain(object.colour) } else { object_material(rng, split) };
        let mut add = |part: &praxis_world::Part| {
            let pose = object.world_from_object * part.object_from_part;
            scene.add(Mesh::of_shape(&part.shape), material, pose)
        };
        instances.push(object.parts.iter().map(&mut add).collect());
    }
    if !standard {
        add_distractors(&objects, &mut scene, rng);
    }

    let camera = if standard { mounted_camera(world) } else { random_camera(world, rng) };
    let light = if standard || chance(rng, 0.15) { Light::default() } else { random_light(rng) };
    renderer.render(&scene, &light, &camera, frame);
    Ok(objects
        .iter()
        .zip(&instances)
        .filter_map(|(object, instances)| {
            let order = world.classes.iter().find(|class| class.name == object.class);
            let turn = order.and_then(|class| class.shape.symmetry_rad());
            let order = turn.map_or(0, |turn| (std::f64::consts::TAU / turn).round() as u32);
            label(object, order, instances, &camera, frame)
        })
        .collect())
}

fn add_surroundings(world: &World, standard: bool, scene: &mut Scene, rng: &mut ChaCha8Rng) {
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

fn random_objects(
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

fn add_distractors(objects: &[ObjectInstance], scene: &mut Scene, rng: &mut ChaCha8Rng) {
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

fn mounted_camera(world: &World) -> Camera {
    camera(&world.camera.intrinsics, world.camera.world_from_optical)
}

fn camera(intrinsics: &Intrinsics, world_from_optical: Pose) -> Camera {
    Camera {
        width_px: intrinsics.width_px as usize,
        height_px: intrinsics.height_px as usize,
        fx_px: intrinsics.fx_px,
        fy_px: intrinsics.fy_px,
        cx_px: intrinsics.cx_px,
        cy_px: intrinsics.cy_px,
        world_from_optical,
    }
}

fn random_camera(world: &World, rng: &mut ChaCha8Rng) -> Camera {
    let mount = &world.camera;
    let spread = if chance(rng, 0.7) { 1.0 } else { 3.0 };
    let mut near = |centre: Vector3<f64>, reach: f64| {
        centre.map(|coordinate| coordinate + even(rng, -reach, reach))
    };
    let forward = mount.world_from_optical.rotation * Vector3::z();
    let position = mount.world_from_optical.translation.vector;
    let distance = position.z / -forward.z.min(-0.2);
    let position = near(position, 0.07 * spread);
    let look_at =
        near(mount.world_from_optical.translation.vector + forward * distance, 0.05 * spread);
    let forward = (look_at - position).normalize();
    let right = forward.cross(&Vector3::z()).normalize();
    let down = forward.cross(&right);
    let turn = Rotation3::from_matrix_unchecked(Matrix3::from_columns(&[right, down, forward]));
    let roll = Rotation3::from_axis_angle(&Vector3::z_axis(), even(rng, -0.03, 0.03) * spread);
    let pose = Pose::from_parts(
        Translation3::from(position),
        UnitQuaternion::from_rotation_matrix(&(turn * roll)),
    );
    let mut intrinsics = mount.intrinsics;
    let zoom = even(rng, 0.9, 1.12);
    intrinsics.fx_px *= zoom;
    intrinsics.fy_px *= zoom;
    camera(&intrinsics, pose)
}

fn random_light(rng: &mut ChaCha8Rng) -> Light {
    let bright = even(rng, 0.3, 1.0) as f32;
    let around = even(rng, 0.2, 0.6) as f32;
    let mut tint = |strength: f32| [0; 3].map(|_| strength * even(rng, 0.88, 1.08) as f32);
    let (lamp, ambient) = (tint(bright), tint(around));
    Light {
        towards_lamp: [even(rng, -1.2, 1.2) as f32, even(rng, -1.2, 1.2) as f32, 1.0],
        lamp,
        ambient,
        background: any_colour(rng),
    }
}
