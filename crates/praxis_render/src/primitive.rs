use std::f64::consts::{PI, TAU};

use crate::mesh::Mesh;

const SIDES: u32 = 32;
const RINGS: u32 = 8;

pub(crate) fn cuboid(x: f64, y: f64, z: f64) -> Mesh {
    let corner = |i: u32| {
        let sign = |bit: u32| if i & bit == 0 { -1.0 } else { 1.0 };
        [(sign(1) * x) as f32, (sign(2) * y) as f32, (sign(4) * z) as f32]
    };
    let faces =
        [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
    let triangles = faces.iter().flat_map(|&[a, b, c, d]| [[a, b, c], [a, c, d]]).collect();
    Mesh::new((0..8).map(corner).collect(), triangles)
}

pub(crate) fn cylinder(radius_m: f64, length_m: f64) -> Mesh {
    lathe(&[
        (0.0, -0.5 * length_m),
        (radius_m, -0.5 * length_m),
        (radius_m, 0.5 * length_m),
        (0.0, 0.5 * length_m),
    ])
}

pub(crate) fn capsule(radius_m: f64, length_m: f64) -> Mesh {
    let half = 0.5 * length_m;
    let arc = |k: u32, shift: f64| {
        let angle = -0.5 * PI + PI * f64::from(k) / f64::from(2 * RINGS);
        (radius_m * angle.cos(), radius_m * angle.sin() + shift)
    };
    let lower = (0..=RINGS).map(|k| arc(k, -half));
    let upper = (RINGS..=2 * RINGS).map(|k| arc(k, half));
    lathe(&lower.chain(upper).collect::<Vec<_>>())
}

/// Turns a profile of (radius, height) points, from bottom to top, about z.
fn lathe(profile: &[(f64, f64)]) -> Mesh {
    let mut vertices = Vec::new();
    for &(radius, height) in profile {
        for side in 0..SIDES {
            let angle = TAU * f64::from(side) / f64::from(SIDES);
            vertices.push([
                (radius * angle.cos()) as f32,
                (radius * angle.sin()) as f32,
                height as f32,
            ]);
        }
    }
    let mut triangles = Vec::new();
    for ring in 0..profile.len() as u32 - 1 {
        for side in 0..SIDES {
            let next = (side + 1) % SIDES;
            let [a, b] = [ring * SIDES + side, ring * SIDES + next];
            let [c, d] = [b + SIDES, a + SIDES];
            triangles.extend([[a, b, c], [a, c, d]]);
        }
    }
    Mesh::new(vertices, triangles)
}
