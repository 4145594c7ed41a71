//! Spheres that cover a surface and hardly stick out.
//!
//! The largest ball that touches the surface from inside at a sample is found by shrinking: a ball
//! that is pushed against the sample shrinks until no other sample lies in it. Grown by the excess,
//! such balls hold large patches of the surface; few that together hold all samples are chosen.

use std::collections::BinaryHeap;

use nalgebra::{Point3, Vector3};

use crate::fitting::{Sphere, Triangle, area, close_gaps, crossing, sample};

/// Samples are this share of the excess apart, unless there would be more than `MOST_SAMPLES`.
const SPACING: f64 = 0.8;
const MOST_SAMPLES: f64 = 30_000.0;
/// Samples from which balls are shrunk.
const SEEDS: usize = 1_000;
/// A ball that is still shrinking after so many steps is as good as done.
const SHRINKS: usize = 12;

/// Spheres that leave no point of the triangles out and stick out by `excess_m` and the distance of
/// the samples.
pub(crate) fn cover(triangles: &[Triangle], excess_m: f64) -> Vec<Sphere> {
    let spacing_m = (SPACING * excess_m).max((area(triangles) / MOST_SAMPLES).sqrt()).max(1e-4);
    let tagged = sample(triangles, spacing_m);
    let samples: Vec<Point3<f64>> = tagged.iter().map(|(point, _)| *point).collect();
    let margin_m = 0.5 * spacing_m;

    let mut candidates = Vec::new();
    for (point, triangle) in tagged.iter().step_by(samples.len().div_ceil(SEEDS).max(1)) {
        let [a, b, c] = triangles[*triangle];
        let Some(normal) = (b - a).cross(&(c - a)).try_normalize(1e-12) else { continue };
        // Which side is inside is not told by every file.
        for inwards in [-normal, normal] {
            if let Some((centre, radius_m)) = inner_ball(&samples, point, &inwards)
                && is_inside(triangles, &centre)
            {
                candidates.push((centre, radius_m + excess_m));
            }
        }
    }

    let mut chosen = greedy(&candidates, &samples, margin_m, excess_m + margin_m);
    close_gaps(triangles, excess_m, &mut chosen);
    chosen
}

/// The largest ball on one side that touches the surface at `point`; nothing where there is no room.
fn inner_ball(
    samples: &[Point3<f64>],
    point: &Point3<f64>,
    inwards: &Vector3<f64>,
) -> Option<Sphere> {
    // Larger than the solid: the first step brings it down.
    let mut radius_m =
        samples.iter().map(|s| (s - point).norm_squared()).fold(0.0, f64::max).sqrt();
    for _ in 0..SHRINKS {
        let centre = point + inwards * radius_m;
        let nearest = samples.iter().min_by(|a, b| {
            (**a - centre).norm_squared().total_cmp(&(**b - centre).norm_squared())
        })?;
        let gap_m = (nearest - centre).norm();
        if gap_m >= radius_m * (1.0 - 1e-3) {
            break;
        }
        let way = nearest - point;
        let along = way.dot(inwards);
        if along <= 1e-9 {
            break;
        }
        radius_m = way.norm_squared() / (2.0 * along);
    }
    let centre = point + inwards * radius_m;
    let gap_m = samples.iter().map(|s| (s - centre).norm_squared()).fold(f64::INFINITY, f64::min);
    (radius_m > 1e-4).then_some((centre, gap_m.sqrt()))
}

/// Whether a closed surface holds the point: the line upwards leaves it once more than it enters.
fn is_inside(triangles: &[Triangle], point: &Point3<f64>) -> bool {
    // Off the edges of lattices.
    let (x, y) = (point.x + 1e-7, point.y + 2e-7);
    let mut heights: Vec<f64> = triangles.iter().filter_map(|t| crossing(t, x, y)).collect();
    heights.sort_by(f64::total_cmp);
    heights.dedup_by(|a, b| (*a - *b).abs() < 1e-9);
    let above = heights.iter().filter(|height| **height > point.z).count();
    heights.len().is_multiple_of(2) && above % 2 == 1
}

/// Takes the candidate that holds most of the samples left, until none is left; a sample that none
/// holds gets a sphere of its own.
fn greedy(
    candidates: &[Sphere],
    samples: &[Point3<f64>],
    margin_m: f64,
    own_m: f64,
) -> Vec<Sphere> {
    let holds = |(centre, radius_m): &Sphere| -> Vec<u32> {
        let reach = (radius_m - margin_m).max(0.5 * radius_m).powi(2);
        let held =
            samples.iter().enumerate().filter(|(_, s)| (*s - centre).norm_squared() <= reach);
        held.map(|(index, _)| index as u32).collect()
    };
    let sets: Vec<Vec<u32>> = candidates.iter().map(holds).collect();
    let mut open = vec![true; samples.len()];
    let mut chosen = Vec::new();
    // What a candidate adds only ever becomes less, so a count that still leads is the best.
    let mut queue: BinaryHeap<(usize, usize)> =
        sets.iter().enumerate().map(|(index, set)| (set.len(), index)).collect();
    while let Some((told, index)) = queue.pop() {
        let adds = sets[index].iter().filter(|&&sample| open[sample as usize]).count();
        if adds == 0 {
            continue;
        }
        if adds < told {
            queue.push((adds, index));
            continue;
        }
        chosen.push(candidates[index]);
        sets[index].iter().for_each(|&sample| open[sample as usize] = false);
    }
    let around = (own_m - margin_m).powi(2);
    for index in 0..samples.len() {
        if open[index] {
            chosen.push((samples[index], own_m));
            for (sample, open) in samples.iter().zip(&mut open) {
                *open &= (sample - samples[index]).norm_squared() > around;
            }
        }
    }
    chosen
}
