//! A mug on a table, as the simulator's camera draws: `mug OUT.ppm`. Pre-trained networks are shown it.

use std::f64::consts::{PI, TAU};
use std::io::Write;

use nalgebra::Vector3;
use praxis_geometry::{Pose, Shape};
use praxis_render::{Camera, Frame, Light, Material, Mesh, Renderer, Scene};

const HEIGHT_M: f64 = 0.095;
const RADIUS_M: f64 = 0.041;
const WALL_M: f64 = 0.004;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = std::env::args().nth(1).ok_or("usage: mug OUT.ppm")?;
    let mut scene = Scene::default();
    let table = Shape::Box { half_extents_m: Vector3::new(0.6, 0.6, 0.02) };
    let wood = Material::plain([0.55, 0.38, 0.24]);
    scene.add(Mesh::of_shape(&table), wood, Pose::translation(0.0, 0.0, -0.02));
    let glaze = Material { gloss: 0.5, ..Material::plain([0.92, 0.92, 0.90]) };
    scene.add(body(), glaze, Pose::identity());
    scene.add(handle(), glaze, Pose::identity());
    let coffee = Shape::Cylinder { radius_m: RADIUS_M - WALL_M, length_m: 0.002 };
    let brown = Material { gloss: 0.4, ..Material::plain([0.16, 0.09, 0.05]) };
    scene.add(Mesh::of_shape(&coffee), brown, Pose::translation(0.0, 0.0, 0.8 * HEIGHT_M));

    let (eye, at) = (Vector3::new(0.10, -0.27, 0.24), Vector3::new(0.01, 0.0, 0.045));
    let camera = Camera::looking_at(eye, at, [640, 480], 0.75);
    let mut frame = Frame::default();
    // Four rays a pixel, so that edges are as soft as a camera's.
    Renderer::default().render(&scene, &Light::default(), &camera.finer(2), &mut frame);
    let frame = frame.coarser(2);
    let mut file = std::fs::File::create(out)?;
    write!(file, "P6\n{} {}\n255\n", frame.width_px, frame.height_px)?;
    file.write_all(&frame.colour)?;
    Ok(())
}

/// The wall from the outside of the bottom over the rim to the inside of the bottom, turned about z.
fn body() -> Mesh {
    let inner = RADIUS_M - WALL_M;
    let profile = [
        [0.0, 0.0],
        [0.92 * RADIUS_M, 0.0],
        [RADIUS_M, 0.006],
        [RADIUS_M, HEIGHT_M - 0.002],
        [RADIUS_M - 0.5 * WALL_M, HEIGHT_M],
        [inner, HEIGHT_M - 0.002],
        [inner, WALL_M],
        [0.0, WALL_M],
    ];
    surface(profile.len(), 96, |along, around| {
        let [radius, z] = profile[along];
        let angle = TAU * around as f64 / 96.0;
        [radius * angle.cos(), radius * angle.sin(), z]
    })
}

/// A bent rod on the side.
fn handle() -> Mesh {
    let (ring_m, rod_m) = (0.027, 0.0055);
    surface(33, 24, |along, around| {
        let turn = PI * (along as f64 / 32.0 - 0.5);
        let angle = TAU * around as f64 / 24.0;
        let reach = ring_m + rod_m * angle.cos();
        let x = RADIUS_M - 0.001 + 0.85 * reach * turn.cos();
        [x, rod_m * angle.sin(), 0.5 * HEIGHT_M + reach * turn.sin()]
    })
}

/// A sheet of `along` × `around` places, closed around.
fn surface(along: usize, around: usize, place: impl Fn(usize, usize) -> [f64; 3]) -> Mesh {
    let vertices = (0..along * around)
        .map(|index| place(index / around, index % around).map(|at| at as f32))
        .collect();
    let mut triangles = Vec::new();
    for i in 0..along - 1 {
        for j in 0..around {
            let corner = |di: usize, dj: usize| ((i + di) * around + (j + dj) % around) as u32;
            let (a, b, c, d) = (corner(0, 0), corner(0, 1), corner(1, 1), corner(1, 0));
            triangles.extend([[a, b, c], [a, c, d]]);
        }
    }
    Mesh::new(vertices, triangles)
}
