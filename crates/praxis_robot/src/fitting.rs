//! Spheres that cover solids.
//!
//! A sphere around an interior point at distance d from the surface, of radius d + t, sticks out by
//! at most t. Few such spheres that together hold every surface sample cover the solid with a
//! stated excess; each sample stands for the surface around it, so spheres are asked to hold it
//! with that margin. In the end each triangle is cut up until every piece lies in one sphere, and
//! what lies in none gets a sphere of its own: no point of the surface is left out.

use nalgebra::{Point3, Vector3};
use praxis_geometry::{Pose, Shape, TriangleMesh};

use crate::tight_fitting;

/// Furthest that a sphere may stick out, as a share of the solid's thinnest extent and in metres.
const EXCESS_SHARE: f64 = 0.25;
const EXCESS_M: (f64, f64) = (0.005, 0.025);
/// No point of the surface is farther than this outside of all spheres, metres.
const COVER_TOLERANCE_M: f64 = 5e-4;
/// Cells of the candidate grid along the longest edge.
const GRID: usize = 22;
/// Surface samples a solid.
const SAMPLES: f64 = 1800.0;

/// Centres and radii of spheres, in the link's frame, that cover its solids: no point of a surface
/// lies more than half a millimetre outside of all of them.
pub fn cover(solids: &[(Shape, Pose)]) -> Vec<(Point3<f64>, f64)> {
    cover_by(solids, &cover_triangles)
}

/// The same with spheres that stick out by little more than `excess_m`: more of them, and slower to
/// fit, for links that lie close together.
pub fn cover_within(solids: &[(Shape, Pose)], excess_m: f64) -> Vec<(Point3<f64>, f64)> {
    cover_by(solids, &|triangles| tight_fitting::cover(triangles, excess_m))
}

fn cover_by(solids: &[(Shape, Pose)], cover: &dyn Fn(&[Triangle]) -> Vec<Sphere>) -> Vec<Sphere> {
    let mut spheres = Vec::new();
    for (shape, link_from_solid) in solids {
        let own = match shape {
            Shape::Sphere { radius_m } => vec![(Point3::origin(), *radius_m)],
            Shape::Capsule { radius_m, length_m } => along_axis(*radius_m, *length_m),
            Shape::Cylinder { radius_m, length_m } => {
                cover(&triangles_of_cylinder(*radius_m, *length_m))
            }
            Shape::Box { half_extents_m } => cover(&triangles_of_box(half_extents_m)),
            Shape::Mesh(mesh) => cover(&triangles_of_mesh(mesh)),
        };
        spheres.extend(own.into_iter().map(|(centre, radius)| (link_from_solid * centre, radius)));
    }
    spheres
}

/// Spheres along z, so close that the hull between them sinks by at most 5 % of the radius.
fn along_axis(radius_m: f64, length_m: f64) -> Vec<(Point3<f64>, f64)> {
    const GROWN: f64 = 1.05;
    let step_m = 2.0 * radius_m * (GROWN * GROWN - 1.0).sqrt();
    let count = (length_m / step_m).ceil() as usize + 1;
    (0..count)
        .map(|k| {
            let share = if count > 1 { k as f64 / (count - 1) as f64 - 0.5 } else { 0.0 };
            (Point3::new(0.0, 0.0, share * length_m), GROWN * radius_m)
        })
        .collect()
}

pub(crate) type Triangle = [Point3<f64>; 3];
/// Centre and radius.
pub(crate) type Sphere = (Point3<f64>, f64);

fn triangles_of_mesh(mesh: &TriangleMesh) -> Vec<Triangle> {
    mesh.triangles.iter().map(|t| t.map(|i| mesh.vertices[i as usize])).collect()
}

fn triangles_of_box(half: &Vector3<f64>) -> Vec<Triangle> {
    let corner = |i: usize| {
        let sign = |bit: usize| if i & bit == 0 { -1.0 } else { 1.0 };
        Point3::new(sign(1) * half.x, sign(2) * half.y, sign(4) * half.z)
    };
    [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]]
        .iter()
        .flat_map(|&[a, b, c, d]| [[a, b, c].map(corner), [a, c, d].map(corner)])
        .collect()
}

fn triangles_of_cylinder(radius_m: f64, length_m: f64) -> Vec<Triangle> {
    const SIDES: usize = 24;
    // Corners a little outside, so that the flat sides do not cut into the round surface.
    let outer = radius_m / (std::f64::consts::PI / SIDES as f64).cos();
    let corner = |side: usize, z: f64| {
        let angle = std::f64::consts::TAU * side as f64 / SIDES as f64;
        Point3::new(outer * angle.cos(), outer * angle.sin(), z)
    };
    let (low, high) = (-0.5 * length_m, 0.5 * length_m);
    (0..SIDES)
        .flat_map(|s| {
            let [a, b] = [corner(s, low), corner(s + 1, low)];
            let [c, d] = [corner(s + 1, high), corner(s, high)];
            let [bottom, top] = [Point3::new(0.0, 0.0, low), Point3::new(0.0, 0.0, high)];
            [[a, b, c], [a, c, d], [bottom, b, a], [top, d, c]]
        })
        .collect()
}

fn cover_triangles(triangles: &[Triangle]) -> Vec<(Point3<f64>, f64)> {
    let (low, high) = bounds(triangles);
    let extent = high - low;
    let excess_m = (EXCESS_SHARE * extent.min()).clamp(EXCESS_M.0, EXCESS_M.1);
    let spacing_m = (area(triangles) / SAMPLES).sqrt().max(1e-4);
    let samples: Vec<Point3<f64>> =
        sample(triangles, spacing_m).into_iter().map(|(point, _)| point).collect();
    let margin_m = 0.5 * spacing_m;

    let mut candidates: Vec<(Point3<f64>, f64)> = interior_points(triangles, low, extent)
        .into_iter()
        .map(|point| (point, nearest(&samples, &point) + excess_m))
        .collect();
    // Thin solids may have no grid point inside: then spheres sit on the surface itself.
    candidates.extend(samples.iter().step_by(3).map(|point| (*point, excess_m + margin_m)));

    let holds = |&(centre, radius): &(Point3<f64>, f64)| -> Vec<u32> {
        let reach = (radius - margin_m).max(0.5 * radius).powi(2);
        let held =
            samples.iter().enumerate().filter(|(_, s)| (*s - centre).norm_squared() <= reach);
        held.map(|(index, _)| index as u32).collect()
    };
    let mut sets: Vec<Vec<u32>> = candidates.iter().map(holds).collect();
    let mut open = vec![true; samples.len()];
    let mut left = samples.len();
    let mut chosen = Vec::new();
    while left > 0 {
        let Some(best) = (0..sets.len()).max_by_key(|&index| sets[index].len()) else { break };
        if sets[best].is_empty() {
            break;
        }
        chosen.push(candidates[best]);
        for &index in &sets[best] {
            if std::mem::take(&mut open[index as usize]) {
                left -= 1;
            }
        }
        for set in &mut sets {
            set.retain(|&index| open[index as usize]);
        }
    }
    // Samples that no candidate held get a sphere of their own.
    for (point, _) in samples.iter().zip(&open).filter(|(_, open)| **open) {
        chosen.push((*point, excess_m + margin_m));
    }
    close_gaps(triangles, excess_m, &mut chosen);
    chosen
}

/// Adds spheres of `radius_m` where a piece of a triangle lies in none. Spheres are convex: one
/// that holds the corners of a piece holds it all.
pub(crate) fn close_gaps(
    triangles: &[Triangle],
    radius_m: f64,
    spheres: &mut Vec<(Point3<f64>, f64)>,
) {
    let mut open: Vec<Triangle> = triangles.to_vec();
    // Neighbouring pieces mostly lie in the same sphere.
    let mut last = 0;
    while let Some(piece) = open.pop() {
        let holds = |(centre, radius): &(Point3<f64>, f64)| {
            let reach = (radius + COVER_TOLERANCE_M).powi(2);
            piece.iter().all(|corner| (corner - centre).norm_squared() <= reach)
        };
        if spheres.get(last).is_some_and(holds) {
            continue;
        }
        if let Some(found) = spheres.iter().position(holds) {
            last = found;
            continue;
        }
        let [a, b, c] = piece;
        let edges = [(b - a).norm(), (c - b).norm(), (a - c).norm()];
        if edges.iter().all(|edge| *edge <= COVER_TOLERANCE_M) {
            spheres.push((a, radius_m));
            continue;
        }
        // The longest edge is halved.
        let (a, b, c) = if edges[0] >= edges[1] && edges[0] >= edges[2] {
            (a, b, c)
        } else if edges[1] >= edges[2] {
            (b, c, a)
        } else {
            (c, a, b)
        };
        let middle = nalgebra::center(&a, &b);
        open.extend([[a, middle, c], [middle, b, c]]);
    }
}

fn bounds(triangles: &[Triangle]) -> (Point3<f64>, Point3<f64>) {
    let points = || triangles.iter().flatten();
    let low =
        points().fold([f64::INFINITY; 3], |m, p| [m[0].min(p.x), m[1].min(p.y), m[2].min(p.z)]);
    let high =
        points().fold([f64::NEG_INFINITY; 3], |m, p| [m[0].max(p.x), m[1].max(p.y), m[2].max(p.z)]);
    (low.into(), high.into())
}

/// Area of all triangles, square metres.
pub(crate) fn area(triangles: &[Triangle]) -> f64 {
    triangles.iter().map(|t| 0.5 * (t[1] - t[0]).cross(&(t[2] - t[0])).norm()).sum()
}

/// Points on a lattice over every triangle, so close that gaps are no wider than `spacing_m`, each
/// with the index of its triangle.
pub(crate) fn sample(triangles: &[Triangle], spacing_m: f64) -> Vec<(Point3<f64>, usize)> {
    let mut samples = Vec::new();
    let mut cells = std::collections::BTreeSet::new();
    for (index, [a, b, c]) in triangles.iter().enumerate() {
        let longest = (b - a).norm().max((c - a).norm()).max((c - b).norm());
        let cuts = (longest / spacing_m).ceil().clamp(1.0, 400.0) as usize;
        for i in 0..=cuts {
            for j in 0..=cuts - i {
                let (u, v) = (i as f64 / cuts as f64, j as f64 / cuts as f64);
                let point = a + (b - a) * u + (c - a) * v;
                // One sample for each cell of half the spacing is enough.
                let cell =
                    [point.x, point.y, point.z].map(|x| (2.0 * x / spacing_m).round() as i64);
                if cells.insert(cell) {
                    samples.push((point, index));
                }
            }
        }
    }
    samples
}

fn nearest(samples: &[Point3<f64>], point: &Point3<f64>) -> f64 {
    samples.iter().map(|s| (s - point).norm_squared()).fold(f64::INFINITY, f64::min).sqrt()
}

fn interior_points(
    triangles: &[Triangle],
    low: Point3<f64>,
    extent: Vector3<f64>,
) -> Vec<Point3<f64>> {
    let cell = extent.max() / GRID as f64;
    let counts = extent.map(|edge| (edge / cell).ceil().max(1.0) as usize);
    let mut points = Vec::new();
    for i in 0..counts.x {
        for j in 0..counts.y {
            // One line along z for each column; it alternates between outside and inside.
            let x = low.x + (i as f64 + 0.5) * extent.x / counts.x as f64 + 1e-7;
            let y = low.y + (j as f64 + 0.5) * extent.y / counts.y as f64 + 2e-7;
            let mut crossings: Vec<f64> =
                triangles.iter().filter_map(|t| crossing(t, x, y)).collect();
            crossings.sort_by(f64::total_cmp);
            crossings.dedup_by(|a, b| (*a - *b).abs() < 1e-9);
            for k in 0..counts.z {
                let z = low.z + (k as f64 + 0.5) * extent.z / counts.z as f64;
                let above = crossings.iter().filter(|height| **height > z).count();
                if above % 2 == 1 && crossings.len().is_multiple_of(2) {
                    points.push(Point3::new(x, y, z));
                }
            }
        }
    }
    points
}

/// Height at which the vertical line through (x, y) meets a triangle.
pub(crate) fn crossing([a, b, c]: &Triangle, x: f64, y: f64) -> Option<f64> {
    let side = |p: &Point3<f64>, q: &Point3<f64>| (q.x - p.x) * (y - p.y) - (q.y - p.y) * (x - p.x);
    let (u, v, w) = (side(b, c), side(c, a), side(a, b));
    let inside = (u >= 0.0 && v >= 0.0 && w >= 0.0) || (u <= 0.0 && v <= 0.0 && w <= 0.0);
    let area = u + v + w;
    (inside && area.abs() > 1e-18).then(|| (u * a.z + v * b.z + w * c.z) / area)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ik::share;

    fn sticks_out_m(spheres: &[(Point3<f64>, f64)], half: Vector3<f64>) -> f64 {
        spheres
            .iter()
            .map(|(c, r)| {
                (0..3).map(|i| c[i].abs() + r - half[i]).fold(f64::NEG_INFINITY, f64::max)
            })
            .fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn a_box_is_covered_with_little_excess() {
        let half = Vector3::new(0.05, 0.03, 0.1);
        let spheres = cover(&[(Shape::Box { half_extents_m: half }, Pose::identity())]);
        assert!(spheres.len() < 100, "{} spheres", spheres.len());
        for i in 0..=20 {
            for j in 0..=20 {
                for face in 0..6 {
                    let (u, v) = (f64::from(i) / 10.0 - 1.0, f64::from(j) / 10.0 - 1.0);
                    let side = if face % 2 == 0 { 1.0 } else { -1.0 };
                    let unit = match face / 2 {
                        0 => Vector3::new(side, u, v),
                        1 => Vector3::new(u, side, v),
                        _ => Vector3::new(u, v, side),
                    };
                    let point = Point3::from(unit.component_mul(&half));
                    assert!(
                        spheres.iter().any(|(c, r)| (point - c).norm() <= r + 1e-9),
                        "{point} is not covered"
                    );
                }
            }
        }
        let excess_m = sticks_out_m(&spheres, half);
        assert!(excess_m < 0.02, "sticks out by {excess_m} m");
    }

    #[test]
    fn less_excess_takes_more_spheres() {
        let half = Vector3::new(0.05, 0.04, 0.1);
        let solids = [(Shape::Box { half_extents_m: half }, Pose::identity())];
        let (usual, tight) = (cover(&solids), cover_within(&solids, 0.006));
        assert!(tight.len() > usual.len());
        let excess_m = sticks_out_m(&tight, half);
        assert!(excess_m < 0.01, "sticks out by {excess_m} m");
    }

    #[test]
    fn no_point_of_any_surface_is_left_out() {
        let mut random = 5;
        let mut draw = |low: f64, high: f64| low + (high - low) * share(&mut random);
        for _ in 0..6 {
            // A crumpled fan: thin, slanted, open.
            let corner =
                |x: f64| Point3::new(x.cos() * 0.1, x.sin() * 0.06, 0.03 * (3.0 * x).sin());
            let vertices: Vec<Point3<f64>> = (0..12).map(|k| corner(f64::from(k))).collect();
            let triangles: Vec<[u32; 3]> = (0..10).map(|k| [k, k + 1, (k * 5) % 12]).collect();
            let shapes = [
                Shape::Box { half_extents_m: Vector3::from([0; 3].map(|_| draw(0.002, 0.2))) },
                Shape::Cylinder { radius_m: draw(0.01, 0.1), length_m: draw(0.01, 0.5) },
                Shape::Capsule { radius_m: draw(0.01, 0.1), length_m: draw(0.01, 0.5) },
                Shape::Mesh(std::sync::Arc::new(TriangleMesh { vertices, triangles })),
            ];
            for shape in shapes {
                let excess_m = if draw(0.0, 1.0) < 0.5 { EXCESS_M.1 } else { 0.004 };
                let spheres = cover_within(&[(shape.clone(), Pose::identity())], excess_m);
                for _ in 0..4000 {
                    let point = on_surface(&shape, &mut draw);
                    let outside = spheres.iter().map(|(c, r)| (point - c).norm() - r);
                    let outside_m = outside.fold(f64::INFINITY, f64::min);
                    assert!(outside_m <= COVER_TOLERANCE_M + 1e-9, "{point} by {outside_m} m");
                }
            }
        }
    }

    /// A random point of the true surface, round where the solid is round.
    fn on_surface(shape: &Shape, draw: &mut impl FnMut(f64, f64) -> f64) -> Point3<f64> {
        let angle = draw(0.0, std::f64::consts::TAU);
        match shape {
            Shape::Box { half_extents_m: h } => {
                let mut unit = Vector3::from([0; 3].map(|_| draw(-1.0, 1.0)));
                let axis = draw(0.0, 3.0) as usize;
                unit[axis] = unit[axis].signum();
                Point3::from(unit.component_mul(h))
            }
            Shape::Cylinder { radius_m, length_m } => {
                let side = draw(0.0, 1.0) < 0.7;
                let radius = if side { *radius_m } else { radius_m * draw(0.0, 1.0) };
                let z = if side { draw(-0.5, 0.5) } else { 0.5 * draw(-1.0, 1.0).signum() };
                Point3::new(radius * angle.cos(), radius * angle.sin(), z * length_m)
            }
            Shape::Capsule { radius_m, length_m } => {
                let height = draw(-1.0, 1.0);
                let across = (1.0 - height * height).sqrt();
                let round =
                    Vector3::new(across * angle.cos(), across * angle.sin(), height) * *radius_m;
                Point3::from(round + Vector3::z() * (0.5 * length_m * height.signum()))
            }
            Shape::Mesh(mesh) => {
                let triangle = mesh.triangles[draw(0.0, mesh.triangles.len() as f64) as usize];
                let [a, b, c] = triangle.map(|k| mesh.vertices[k as usize]);
                let (u, v) = (draw(0.0, 1.0), draw(0.0, 1.0));
                let (u, v) = if u + v > 1.0 { (1.0 - u, 1.0 - v) } else { (u, v) };
                a + (b - a) * u + (c - a) * v
            }
            Shape::Sphere { .. } => unreachable!("spheres cover themselves"),
        }
    }

    #[test]
    fn spheres_stay_as_they_are() {
        let spheres = cover(&[(Shape::Sphere { radius_m: 0.1 }, Pose::translation(1.0, 0.0, 0.0))]);
        assert_eq!(spheres, [(Point3::new(1.0, 0.0, 0.0), 0.1)]);
    }
}
