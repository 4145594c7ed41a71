//! Spheres that fill a solid.
//!
//! Balls that touch the surface from inside (shrinking-ball medial points: Ma, Bae, Choi, The Visual
//! Computer 28, 2012), as few of them as cover all surface samples within a tolerance.

use std::collections::HashSet;

use nalgebra::{Point3, Vector3};
use praxis_geometry::{Pose, Shape, TriangleMesh};

/// Tolerance for objects that are held: they have to come near things.
const HELD_TOLERANCE_M: f64 = 0.003;
/// Held objects are taken to be smaller by this all around: one that stands on something must not
/// count as inside it, and where it stands is known to a few millimetres.
const SUNK_M: f64 = 0.003;
/// Sinking rounds corners off; what lies farther from the rest than they do is a thin piece.
const THIN_PIECE_M: f64 = 0.008;
/// Likewise, in radii of the largest ball: large solids are sampled more coarsely.
const THIN_PIECE_SHARE: f64 = 0.75;
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

/// Spheres that fill solids, some millimetres below their surface: an object that stands on a table
/// is clear of it.
pub fn spheres_inside(parts: &[(Shape, Pose)]) -> Vec<(Point3<f64>, f64)> {
    let of = |(shape, link_from_part): &(Shape, Pose)| {
        let place = *link_from_part;
        let spheres = sunk(covering(shape, HELD_TOLERANCE_M)).into_iter();
        spheres.map(move |sphere| (place * sphere.centre, sphere.radius.max(LEAST_RADIUS_M)))
    };
    parts.iter().flat_map(of).collect()
}

/// The solid's skin taken off: balls that reach below it shrink, smaller ones (in edges and
/// corners) go, unless they are all that stands for a thin piece.
fn sunk(mut spheres: Vec<Sphere>) -> Vec<Sphere> {
    let largest = spheres.iter().map(|sphere| sphere.radius).fold(0.0, f64::max);
    let skin = SUNK_M.min(0.5 * largest);
    let rounding = THIN_PIECE_M.max(THIN_PIECE_SHARE * largest);
    spheres.sort_by(|a, b| b.radius.total_cmp(&a.radius));
    let mut kept: Vec<Sphere> = Vec::new();
    for Sphere { centre, radius } in spheres {
        let near = |s: &Sphere| (s.centre - centre).norm() < s.radius + rounding;
        if radius > skin {
            kept.push(Sphere { centre, radius: radius - skin });
        } else if !kept.iter().any(near) {
            kept.push(Sphere { centre, radius: 0.5 * radius });
        }
    }
    kept
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
        // Between samples the surface may be nearer than they tell.
        let Sphere { centre, radius } = balls[best];
        chosen.push(Sphere { centre, radius: radius.min(distance_to(mesh, &centre)) });
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

fn distance_to(mesh: &TriangleMesh, point: &Point3<f64>) -> f64 {
    let corners = |t: &[u32; 3]| t.map(|index| mesh.vertices[index as usize]);
    let away = |t: &[u32; 3]| distance_to_triangle(corners(t), point);
    mesh.triangles.iter().map(away).fold(f64::INFINITY, f64::min)
}

/// The distance to the plane where the foot of the perpendicular is inside, else to an edge.
fn distance_to_triangle([a, b, c]: [Point3<f64>; 3], point: &Point3<f64>) -> f64 {
    let edges = [(a, b), (b, c), (c, a)];
    let normal = (b - a).cross(&(c - a));
    if normal.norm_squared() > 0.0
        && edges.iter().all(|(p, q)| normal.dot(&(q - p).cross(&(point - p))) >= 0.0)
    {
        return normal.normalize().dot(&(point - a)).abs();
    }
    let to_edge = |(p, q): &(Point3<f64>, Point3<f64>)| {
        let (way, offset) = (q - p, point - p);
        let share = (offset.dot(&way) / way.norm_squared().max(1e-30)).clamp(0.0, 1.0);
        (offset - way * share).norm()
    };
    edges.iter().map(to_edge).fold(f64::INFINITY, f64::min)
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
    fn all_is_below_the_surface_and_little_is_left_out() {
        let boxes = [[0.03, 0.02, 0.025], [0.0225, 0.03, 0.025], [0.1, 0.06, 0.03]];
        for half in boxes.map(Vector3::from) {
            let spheres =
                spheres_inside(&[(Shape::Box { half_extents_m: half }, Pose::identity())]);
            assert!(spheres.len() < 400, "{}", spheres.len());
            for k in 0..8000 {
                let unit = |n: u32| f64::from((k * n) % 101) / 50.0 - 1.0;
                let mut p = Point3::new(unit(7) * half.x, unit(13) * half.y, unit(29) * half.z);
                let face = (k % 3) as usize;
                p[face] = half[face] * if k % 2 == 0 { 1.0 } else { -1.0 };
                let away = spheres.iter().map(|(c, r)| (c - p).norm() - r);
                assert!(away.fold(f64::INFINITY, f64::min) < 0.6 * half.min(), "{p} is left out");
            }
            for (centre, radius) in &spheres {
                for axis in 0..3 {
                    let depth = half[axis] - centre[axis].abs() - radius;
                    assert!(depth > 0.99 * SUNK_M);
                }
            }
        }
    }

    #[test]
    fn thin_things_keep_spheres() {
        let sheet = Shape::Box { half_extents_m: Vector3::new(0.1, 0.05, 0.001) };
        let spheres = spheres_inside(&[(sheet, Pose::identity())]);
        let corner = Point3::new(0.1, 0.05, 0.0);
        assert!(spheres.iter().any(|(centre, _)| (centre - corner).norm() < 0.01));
    }
}
