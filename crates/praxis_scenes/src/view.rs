//! Where the camera stands, and the light.

use nalgebra::{Matrix3, Rotation3, Translation3, UnitQuaternion, Vector3};
use praxis_geometry::Pose;
use praxis_render::{Camera, Light};
use praxis_world::{Intrinsics, World};
use rand_chacha::ChaCha8Rng;

use crate::random::{any_colour, chance, even};

/// The camera of the world file.
pub(crate) fn mounted_camera(world: &World) -> Camera {
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

pub(crate) fn random_camera(world: &World, rng: &mut ChaCha8Rng) -> Camera {
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

pub(crate) fn random_light(rng: &mut ChaCha8Rng) -> Light {
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
