//! Spheres that fill a solid.
//!
//! Balls that touch the surface from inside (shrinking-ball medial points: Ma, Bae, Choi, The Visual
//! Computer 28, 2012), as few of them as cover all surface samples within a tolerance.

use std::collections::HashSet;

use nalgebra::{Point3, Vector3};
use praxis_geometry::{Pose, Shape, TriangleMesh};

/// Tolerance for objects that are held: they have to come near things.
const HELD_TOLERANCE_M: f64 = 0.003;
/// Spheres are made smaller by this: samples do not see all of the surface between them (0.9 mm was
/// measured), and where an object stands is known to a few millimetres.
const SUNK_M: f64 = 0.003;
/// No sphere is smaller than this.
const LEAST_RADIUS_M: f64 = 1e-5;
/// Most surface samples of one solid.
const MAX_SAMPLES: f64 = 4000.0;

struct Sample {
    at: Point3<f64>,
    inwards: Vector3<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Sphere {
    centre: Point3<f64>,
    radius: f64,
}

/// Spheres within a solid that leave at most some millimetres of it uncovered: an object that stands on a table
/// touches it and is not inside.
pub fn spheres_inside(parts: &[(Shape, Pose)]) -> Vec<(Point3<f64>, f64)> {
    let of = |(shape, link_from_part): &(Shape, Pose)| {
        let place = *link_from_part;
        let spheres = covering(shape, HELD_TOLERANCE_M).into_iter();
        spheres.map(move |sphere| {
            (place * sphere.centre, (sphere.radius - SUNK_M).max(LEAST_RADIUS_M))
        })
    };
    parts.iter().flat_map(of).collect()
}

fn covering(shape: &Shape, tolerance: f64) -> Vec<Sphere> {
    match shape {
        Shape::Sphere { radius_m } => vec![Sphere { centre: Point3::origin(), radius: *radius_m }],
        Shape::Capsule { radius_m, length_m } => {
            let count = (length_m / radius_m * 2.0).ceil().max(1.0) as usize;
            let at = |k: usize| (k as f64 / count as f64 - 0.5) * length_m;
            let sphere = |k| Sphere { centre: Point3::new(0.0, 0.0, at(k)), radius: *radius_m };
            (0..=count).map(sphere).collect()
        }
        Shape::Box { half_extents_m: h } => {
            cover_mesh(&prism(&[[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]], h), tolerance)
        }
        Shape::Cylinder { radius_m, length_m } => {
            let corner = |k: u32| {
                let angle = f64::from(k) * std::f64::consts::TAU / 24.0;
                [angle.cos(), angle.sin()]
            };
            let outline: Vec<[f64; 2]> = (0..24).map(corner).collect();
            cover_mesh(
                &prism(&outline, &Vector3::new(*radius_m, *radius_m, 0.5 * length_m)),
                tolerance,
            )
        }
        Shape::Mesh(mesh) => cover_mesh(mesh, tolerance),
    }
}

/// An upright prism over a convex outline (counter-clockwise), scaled by half extents.
fn prism(outline: &[[f64; 2]], half: &Vector3<f64>) -> TriangleMesh {
    let count = outline.len() as u32;
    let mut mesh = TriangleMesh::default();
    for z in [-half.z, half.z] {
        mesh.vertices.extend(outline.iter().map(|[x, y]| Point3::new(x * half.x, y * half.y, z)));
    }
    for k in 0..count {
        let next = (k + 1) % count;
        mesh.triangles.push([k, next, count + next]);
        mesh.triangles.push([k, count + next, count + k]);
        if k > 0 && next > 0 {
            mesh.triangles.push([0, next, k]);
            mesh.triangles.push([count, count + k, count + next]);
        }
    }
    mesh
}

fn cover_mesh(mesh: &TriangleMesh, tolerance: f64) -> Vec<Sphere> {
    let samples = sample_surface(mesh, 0.5 * tolerance);
    let stride = samples.len() / 800 + 1;
    let balls: Vec<Sphere> =
        samples.iter().step_by(stride).map(|sample| largest_ball(sample, &samples)).collect();
    // What each ball covers, once grown by half the tolerance (samples stand for their surroundings).
    let covers: Vec<Vec<u32>> = balls
        .iter()
        .map(|ball| {
            let reach2 = (ball.radius + 0.5 * tolerance).powi(2);
            let within = |&k: &u32| (samples[k as usize].at - ball.centre).norm_squared() <= reach2;
            (0..samples.len() as u32).filter(within).collect()
        })
        .collect();
    let mut open = vec![true; samples.len()];
    let mut chosen = Vec::new();
    loop {
        let gain = |k: &usize| covers[*k].iter().filter(|&&s| open[s as usize]).count();
        let Some(best) = (0..balls.len()).max_by_key(gain).filter(|k| gain(k) > 0) else { break };
        covers[best].iter().for_each(|&s| open[s as usize] = false);
        chosen.push(balls[best]);
    }
    // Samples that no ball reaches (thin edges between strides) get a point of their own.
    for (sample, _) in samples.iter().zip(&open).filter(|(_, open)| **open) {
        let near = |s: &Sphere| (s.centre - sample.at).norm() <= s.radius + 0.5 * tolerance;
        if !chosen.iter().any(near) {
            chosen.push(Sphere { centre: sample.at, radius: 0.0 });
        }
    }
    chosen
}

/// Centres of small triangles, with normals; spacing grows where there would be too many.
fn sample_surface(mesh: &TriangleMesh, spacing: f64) -> Vec<Sample> {
    let corners = |t: &[u32; 3]| t.map(|index| mesh.vertices[index as usize]);
    let area = |t: &[u32; 3]| {
        let [a, b, c] = corners(t);
        0.5 * (b - a).cross(&(c - a)).norm()
    };
    let total: f64 = mesh.triangles.iter().map(area).sum();
    let spacing = spacing.max((total / (0.5 * MAX_SAMPLES)).sqrt());
    // One sample a cell and direction: slivers would otherwise give thousands.
    let mut taken = HashSet::new();
    let mut samples = Vec::new();
    for triangle in &mesh.triangles {
        let [a, b, c] = corners(triangle);
        let Some(outwards) = (b - a).cross(&(c - a)).try_normalize(1e-15) else { continue };
        let facing = outwards.map(|v| (2.0 * v).round() as i32);
        let mut take = |at: Point3<f64>| {
            let cell = (at.coords / (0.7 * spacing)).map(|v| v.floor() as i32);
            if taken.insert((cell, facing)) {
                samples.push(Sample { at, inwards: -outwards });
            }
        };
        let longest = (b - a).norm().max((c - b).norm()).max((a - c).norm());
        let n = (longest / spacing).ceil().max(1.0) as usize;
        let (u, v) = ((b - a) / n as f64, (c - a) / n as f64);
        for i in 0..n {
            for j in 0..n - i {
                let corner = a + u * i as f64 + v * j as f64;
                take(corner + (u + v) / 3.0);
                if i + j + 1 < n {
                    take(corner + (u + v) * 2.0 / 3.0);
                }
            }
        }
    }
    samples
}

/// Largest ball that touches the surface at `sample` from inside and holds no other sample.
fn largest_ball(sample: &Sample, samples: &[Sample]) -> Sphere {
    let mut radius = 1.0;
    for _ in 0..32 {
        let centre = sample.at + sample.inwards * radius;
        let (mut nearest, mut nearest2) = (sample, f64::INFINITY);
        for other in samples {
            let distance2 = (other.at - centre).norm_squared();
            if distance2 < nearest2 && (other.at - sample.at).norm_squared() > 1e-12 {
                (nearest, nearest2) = (other, distance2);
            }
        }
        let offset = nearest.at - sample.at;
        if nearest2.sqrt() >= radius * (1.0 - 1e-6) {
            break;
        }
        let along = offset.dot(&sample.inwards);
        if along <= 1e-9 {
            break;
        }
        radius = offset.norm_squared() / (2.0 * along);
    }
    Sphere { centre: sample.at + sample.inwards * radius, radius }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_sticks_out_and_little_is_left_out() {
        let half = Vector3::new(0.03, 0.02, 0.025);
        let parts = [(Shape::Box { half_extents_m: half }, Pose::identity())];
        let spheres = spheres_inside(&parts);
        assert!(spheres.len() < 400, "{}", spheres.len());
        for k in 0..8000 {
            let unit = |n: u32| f64::from((k * n) % 101) / 50.0 - 1.0;
            let mut p = Point3::new(unit(7) * half.x, unit(13) * half.y, unit(29) * half.z);
            let face = (k % 3) as usize;
            p[face] = half[face] * if k % 2 == 0 { 1.0 } else { -1.0 };
            let away = spheres.iter().map(|(c, r)| (c - p).norm() - r);
            assert!(away.fold(f64::INFINITY, f64::min) < 8e-3, "{p} is left out");
        }
        for (centre, radius) in &spheres {
            for axis in 0..3 {
                assert!(centre[axis].abs() + radius - half[axis] < 1e-4);
            }
        }
    }
}
