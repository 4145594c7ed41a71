use nalgebra::{Point3, Vector3};

use crate::obstacles::{Block, Obstacles};

/// Points on the surfaces of the obstacles, `count` of them in all: evenly along the edges of
/// boxes, corners included, and evenly by area on what is between, as far apart in both.
///
/// Each surface gets the points of the R2 sequence (M. Roberts, "The Unreasonable Effectiveness of
/// Quasirandom Sequences", 2018): the same ones every time, with small gaps.
pub fn sample(obstacles: &Obstacles, count: usize) -> Vec<Point3<f32>> {
    let (patches, edges) = (patches(obstacles), edges(obstacles));
    let total_m2: f64 = patches.iter().map(Patch::area_m2).sum();
    let total_m: f64 = edges.iter().map(|(_, way)| way.norm()).sum();
    // So far apart that count = total_m2 / spacing_m² + total_m / spacing_m.
    let spacing_m =
        0.5 * (total_m + (total_m * total_m + 4.0 * count as f64 * total_m2).sqrt()) / count as f64;
    let mut points: Vec<Point3<f32>> = Vec::with_capacity(count);
    let mut length_m = 0.0;
    for (end, way) in &edges {
        length_m += way.norm();
        let new = ((length_m / spacing_m).round() as usize).min(count) - points.len();
        let last = new.saturating_sub(1).max(1) as f64;
        points.extend((0..new).map(|k| (end + way * (k as f64 / last)).cast()));
    }
    let (on_edges, mut area_m2) = (points.len(), 0.0);
    for patch in &patches {
        area_m2 += patch.area_m2();
        let share = (count - on_edges) as f64 * area_m2 / total_m2;
        let (from, upto) = (points.len(), on_edges + share.round() as usize);
        points.extend((from..upto).map(|k| {
            let n = (k - from) as f64;
            let (u, v) = (0.5 + n * 0.754_877_666_246_692_7, 0.5 + n * 0.569_840_290_998_053_2);
            patch.at(u.fract(), v.fract()).cast()
        }));
    }
    points
}

/// A piece of surface that two numbers in [0, 1) run over evenly.
enum Patch {
    /// A capsule's surface, or with equal ends a sphere's.
    Round { a: Point3<f64>, b: Point3<f64>, radius_m: f64 },
    /// A parallelogram.
    Flat { corner: Point3<f64>, u: Vector3<f64>, v: Vector3<f64> },
}

impl Patch {
    fn area_m2(&self) -> f64 {
        match self {
            Self::Round { a, b, radius_m } => {
                std::f64::consts::TAU * radius_m * ((b - a).norm() + 2.0 * radius_m)
            }
            Self::Flat { u, v, .. } => u.cross(v).norm(),
        }
    }

    fn at(&self, u: f64, v: f64) -> Point3<f64> {
        match self {
            Self::Flat { corner, u: along_u, v: along_v } => corner + along_u * u + along_v * v,
            Self::Round { a, b, radius_m } => {
                // Slices of equal height of a ball have the area of those of the cylinder around
                // it (Archimedes), so the caps unroll with the wall.
                let way = b - a;
                let length_m = way.norm();
                let axis = way.try_normalize(1e-12).unwrap_or_else(Vector3::z);
                let height_m = u * (length_m + 2.0 * radius_m) - radius_m;
                let on_axis_m = height_m.clamp(0.0, length_m);
                let beyond_m = height_m - on_axis_m;
                let across_m = (radius_m * radius_m - beyond_m * beyond_m).max(0.0).sqrt();
                let side = if axis.x.abs() < 0.9 { Vector3::x() } else { Vector3::y() };
                let x = axis.cross(&side).normalize();
                let y = axis.cross(&x);
                let (sin, cos) = (std::f64::consts::TAU * v).sin_cos();
                a + axis * height_m + (x * cos + y * sin) * across_m
            }
        }
    }
}

fn patches(obstacles: &Obstacles) -> Vec<Patch> {
    let mut patches = Vec::new();
    for ball in &obstacles.spheres {
        let centre = Point3::from(ball.center);
        patches.push(Patch::Round { a: centre, b: centre, radius_m: ball.radius });
    }
    for rod in &obstacles.capsules {
        let (a, b) = (Point3::from(rod.a), Point3::from(rod.b));
        patches.push(Patch::Round { a, b, radius_m: rod.radius });
    }
    for block in &obstacles.cuboids {
        patches.extend(faces(block));
    }
    patches
}

/// One end of each edge of the boxes, and the way to its other end.
fn edges(obstacles: &Obstacles) -> Vec<(Point3<f64>, Vector3<f64>)> {
    let of_block = |block: &Block| {
        let axes = block.axes();
        let half: [Vector3<f64>; 3] = std::array::from_fn(|i| axes[i] * block.half_extents[i]);
        let centre = Point3::from(block.center);
        let along = move |i: usize| {
            let (u, v) = (half[(i + 1) % 3], half[(i + 2) % 3]);
            [u + v, u - v, -u + v, -u - v].map(|aside| (centre + aside - half[i], half[i] * 2.0))
        };
        [0, 1, 2].map(along).into_iter().flatten()
    };
    obstacles.cuboids.iter().flat_map(of_block).collect()
}

fn faces(block: &Block) -> impl Iterator<Item = Patch> {
    let axes = block.axes();
    let half: [Vector3<f64>; 3] = std::array::from_fn(|i| axes[i] * block.half_extents[i]);
    let centre = Point3::from(block.center);
    (0..3).flat_map(move |i| [1.0, -1.0].map(|side| (i, side))).map(move |(i, side)| {
        let (u, v) = (half[(i + 1) % 3], half[(i + 2) % 3]);
        Patch::Flat { corner: centre + half[i] * side - u - v, u: u * 2.0, v: v * 2.0 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn obstacles() -> Obstacles {
        serde_json::from_str(
            r#"{"spheres": [{"name": "s", "center": [1, 0, 0], "radius": 0.5}],
                "capsules": [{"name": "c", "a": [0, 5, 0], "b": [0, 5, 1], "radius": 0.2}],
                "cuboids": [{"name": "b", "center": [0, 0, 9], "half_extents": [1, 0.1, 0.3],
                             "axes": [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]}]}"#,
        )
        .unwrap()
    }

    /// Distance of a point to the nearest surface.
    fn off_surface_m(p: Point3<f64>) -> f64 {
        let ball = (p - Point3::new(1.0, 0.0, 0.0)).norm() - 0.5;
        let foot = Point3::new(0.0, 5.0, p.z.clamp(0.0, 1.0));
        let rod = (p - foot).norm() - 0.2;
        let beyond = [p.x.abs() - 0.1, p.y.abs() - 1.0, (p.z - 9.0).abs() - 0.3];
        let block = beyond.into_iter().fold(f64::NEG_INFINITY, f64::max);
        ball.abs().min(rod.abs()).min(block.abs())
    }

    #[test]
    fn there_are_as_many_points_as_asked_for_and_all_lie_on_surfaces() {
        let points = sample(&obstacles(), 5_000);
        assert_eq!(points.len(), 5_000);
        for point in points {
            let off_m = off_surface_m(point.cast());
            assert!(off_m < 1e-5, "{point} is {off_m} m off");
        }
    }

    #[test]
    fn every_surface_gets_its_share() {
        let points = sample(&obstacles(), 10_000);
        let on_block = points.iter().filter(|p| p.z > 5.0).count() as f64 / 10_000.0;
        let (ball, rod, block) = (
            std::f64::consts::PI,
            std::f64::consts::TAU * 0.2 * 1.4,
            8.0 * (1.0 * 0.1 + 0.1 * 0.3 + 0.3 * 1.0),
        );
        // Its edges have points of their own: 4 (2 + 0.2 + 0.6) m, so many apart as on surfaces.
        let (area, length) = (ball + rod + block, 11.2);
        let spacing = 0.5 * (length + f64::hypot(length, 200.0 * f64::sqrt(area))) / 1e4;
        let on_edges = length / spacing / 1e4;
        let expected = on_edges + (1.0 - on_edges) * block / area;
        assert!((on_block - expected).abs() < 1e-3, "{on_block} {expected}");
    }

    #[test]
    fn corners_and_edges_of_boxes_have_points() {
        let points = sample(&obstacles(), 20_000);
        let nearest = |x: f32, y: f32, z: f32| {
            let away = |p: &Point3<f32>| (p - Point3::new(x, y, z)).norm();
            points.iter().map(away).fold(f32::INFINITY, f32::min)
        };
        for (x, y, z) in [(0.1, 1.0, 9.3), (-0.1, 1.0, 8.7), (0.1, -1.0, 8.7)] {
            assert!(nearest(x, y, z) < 1e-5, "no point at the corner {x} {y} {z}");
        }
        for k in 0..40 {
            let y = k as f32 / 20.0 - 0.99;
            assert!(nearest(0.1, y, 9.3) < 0.02, "no point on the edge at {y}");
        }
    }

    #[test]
    fn no_gap_on_a_face_is_much_wider_than_the_points_are_apart() {
        let points = sample(&obstacles(), 20_000);
        let top: Vec<_> = points.iter().filter(|p| (p.z - 9.3).abs() < 1e-6).collect();
        let spacing_m = (0.2 * 2.0 / top.len() as f64).sqrt();
        for k in 0..400 {
            let (x, y) = (f64::from(k % 10) / 50.0 - 0.09, f64::from(k / 10) / 20.0 - 0.99);
            let away = |p: &&&Point3<f32>| (f64::from(p.x) - x).hypot(f64::from(p.y) - y);
            let nearest = top.iter().map(|p| away(&p)).fold(f64::INFINITY, f64::min);
            assert!(nearest < 1.5 * spacing_m, "{nearest} m around ({x}, {y}), {spacing_m} m");
        }
    }
}
