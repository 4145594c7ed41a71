//! The top face of a segmented object: its height, and its outline as seen from above.

use crate::scan::Scan;
use crate::segment::{Cell, Segment, for_neighbours};

/// The top face of an object.
#[derive(Clone, Debug)]
pub(crate) struct TopFace {
    /// Its z in the planning frame.
    pub z_m: f64,
    /// Standard deviation of the points about it.
    pub noise_m: f64,
    /// Its points seen from above.
    pub inside: Vec<[f64; 2]>,
    /// Points on its own outline; where something hides it there are none.
    pub edge: Vec<[f64; 2]>,
    /// Share of the directions from its middle in which its own border is seen, 0 to 1; the rest is
    /// hidden or unknown.
    pub own_border: f64,
    /// How well the network's box and the face agree, see [`agrees`].
    pub agrees: bool,
}

/// Finds the top face; none when the object has too few points.
pub(crate) fn top_face(scan: &Scan<'_>, segment: &Segment) -> Option<TopFace> {
    let heights: Vec<f32> = segment
        .cells
        .iter()
        .zip(&segment.points)
        .zip(&segment.core)
        .filter(|((cell, _), core)| **cell == Cell::Object && **core)
        .map(|((_, point), _)| point[2])
        .collect();
    if heights.len() < 16 {
        return None;
    }
    let (z_m, noise_m) = top_height(heights)?;
    let tolerance = (3.0 * noise_m).clamp(0.002, 0.010) as f32;
    let mut mask = mask(segment, z_m as f32, tolerance, noise_m > 0.001);
    keep_best_patch(segment, &mut mask);

    let agrees = agrees(segment, &mask);
    let mut face =
        TopFace { z_m, noise_m, inside: Vec::new(), edge: Vec::new(), own_border: 0.0, agrees };
    for row in 0..segment.height as isize {
        for column in 0..segment.width as isize {
            let here = segment.index(column, row)?;
            if !mask[here] {
                continue;
            }
            let at = [segment.left + column as usize, segment.top + row as usize];
            let pixel = at.map(|at| at as f64);
            // A ray at a known height is quieter than the pixel's own distance.
            face.inside.extend(scan.pixel_at_height(at[0], at[1], z_m));
            for (dx, dy) in [(1, 0), (-1, 0), (0, 1), (0, -1)] {
                let neighbour = segment.index(column + dx, row + dy);
                if neighbour.is_some_and(|neighbour| mask[neighbour]) {
                    continue;
                }
                face.edge.extend(edge_point(scan, segment, &face, neighbour, pixel, [dx, dy]));
            }
        }
    }
    face.own_border = seen_around(&face.edge, &face.inside);
    Some(face)
}

/// The outline between a top pixel and a neighbour that is not; none where it is hidden.
fn edge_point(
    scan: &Scan<'_>,
    segment: &Segment,
    face: &TopFace,
    neighbour: Option<usize>,
    pixel: [f64; 2],
    step: [isize; 2],
) -> Option<[f64; 2]> {
    let neighbour = neighbour?;
    let point = segment.points[neighbour];
    match segment.cells[neighbour] {
        // The side wall: the point stands right below the outline.
        Cell::Object if f64::from(point[2]) < face.z_m => {
            Some([f64::from(point[0]), f64::from(point[1])])
        }
        // Something lower behind: the outline passes between the two pixels.
        Cell::Support | Cell::Other if f64::from(point[2]) < face.z_m => {
            let between = [0, 1].map(|axis| pixel[axis] + 0.5 * step[axis] as f64);
            scan.at_height(between, face.z_m).map(|point| [point.x, point.y])
        }
        _ => None,
    }
}

/// The level that most points share, and their spread about it: walls spread over all heights, the
/// top face does not.
fn top_height(mut heights: Vec<f32>) -> Option<(f64, f64)> {
    heights.sort_by(f32::total_cmp);
    const BAND_M: f32 = 0.006;
    let mut level = fullest_level(&heights, 0.5 * BAND_M)?;
    let mut band = heights.as_slice();
    for _ in 0..6 {
        let low = heights.partition_point(|&z| z < level - BAND_M);
        let high = heights.partition_point(|&z| z <= level + BAND_M);
        band = &heights[low..high];
        level = *band.get(band.len() / 2)?;
    }
    let mut deviations: Vec<f32> = band.iter().map(|z| (z - level).abs()).collect();
    let middle = deviations.len() / 2;
    let spread = *deviations.select_nth_unstable_by(middle, f32::total_cmp).1;
    Some((f64::from(level), 1.4826 * f64::from(spread)))
}

/// Middle of the band of twice `half_m` that holds most of the sorted heights, the highest of equals.
fn fullest_level(heights: &[f32], half_m: f32) -> Option<f32> {
    let mut best = (0, None);
    let mut end = 0;
    for (start, &low) in heights.iter().enumerate() {
        while end < heights.len() && heights[end] <= low + 2.0 * half_m {
            end += 1;
        }
        if end - start >= best.0 {
            best = (end - start, Some(low + half_m));
        }
    }
    best.1
}

/// Of patches that do not touch, such as the rim of a bin beside an object, the one with most cells
/// of the detection stays.
fn keep_best_patch(segment: &Segment, mask: &mut [bool]) {
    let mut patch = vec![0u32; mask.len()];
    let mut best = (0, 0);
    let mut next = 0;
    let mut stack = Vec::new();
    for start in 0..mask.len() {
        if !mask[start] || patch[start] != 0 {
            continue;
        }
        next += 1;
        patch[start] = next;
        stack.push(start);
        let mut inside = 0;
        while let Some(index) = stack.pop() {
            inside += usize::from(segment.core[index]);
            for_neighbours(index, segment.width, segment.height, |other| {
                if mask[other] && patch[other] == 0 {
                    patch[other] = next;
                    stack.push(other);
                }
            });
        }
        if inside > best.0 {
            best = (inside, next);
        }
    }
    for (mask, patch) in mask.iter_mut().zip(&patch) {
        *mask = *mask && *patch == best.1;
    }
}

/// Share of 24 directions from the middle in which there is an edge point.
fn seen_around(edge: &[[f64; 2]], inside: &[[f64; 2]]) -> f64 {
    const DIRECTIONS: usize = 24;
    let count = inside.len().max(1) as f64;
    let middle = [0, 1].map(|axis| inside.iter().map(|p| p[axis]).sum::<f64>() / count);
    let mut seen = [false; DIRECTIONS];
    for point in edge {
        let angle = (point[1] - middle[1]).atan2(point[0] - middle[0]);
        let turn = angle.rem_euclid(std::f64::consts::TAU) / std::f64::consts::TAU;
        seen[((turn * DIRECTIONS as f64) as usize).min(DIRECTIONS - 1)] = true;
    }
    seen.iter().filter(|seen| **seen).count() as f64 / DIRECTIONS as f64
}

/// Whether the face lies within the network's box and fills a good part of its width or height.
///
/// A box somewhere on a wall, or a small one on a large thing, does not agree.
fn agrees(segment: &Segment, mask: &[bool]) -> bool {
    let (mut all, mut inside) = (0usize, 0usize);
    let (mut core, mut face) = (Extent::default(), Extent::default());
    for row in 0..segment.height {
        for column in 0..segment.width {
            let index = row * segment.width + column;
            all += usize::from(mask[index]);
            if segment.core[index] {
                core.add(column, row);
                if mask[index] {
                    inside += 1;
                    face.add(column, row);
                }
            }
        }
    }
    let share = |axis: usize| face.side(axis) / core.side(axis).max(1.0);
    inside * 10 >= all * 7 && share(0).max(share(1)) >= 0.5
}

/// First and last column and row of some cells.
#[derive(Default)]
struct Extent(Option<[[usize; 2]; 2]>);

impl Extent {
    fn add(&mut self, column: usize, row: usize) {
        let [columns, rows] = self.0.get_or_insert([[column; 2], [row; 2]]);
        *columns = [columns[0].min(column), columns[1].max(column)];
        *rows = [rows[0].min(row), rows[1].max(row)];
    }

    fn side(&self, axis: usize) -> f64 {
        self.0.map_or(0.0, |sides| (sides[axis][1] - sides[axis][0] + 1) as f64)
    }
}

/// Which cells are of the top face; small holes within it are closed.
fn mask(segment: &Segment, level: f32, tolerance: f32, smooth: bool) -> Vec<bool> {
    let around = |index: usize| {
        let (column, row) = ((index % segment.width) as isize, (index / segment.width) as isize);
        (-1..=1).flat_map(move |dy| (-1..=1).map(move |dx| (column + dx, row + dy)))
    };
    let height = |index: usize| {
        if !smooth {
            return segment.points[index][2];
        }
        let (sum, count) = around(index)
            .filter_map(|(column, row)| segment.index(column, row))
            .filter(|&other| segment.cells[other] == Cell::Object)
            .map(|other| segment.points[other][2])
            .fold((0.0, 0.0f32), |(sum, count), z| (sum + z, count + 1.0));
        sum / count.max(1.0)
    };
    let mut mask: Vec<bool> = (0..segment.cells.len())
        .map(|index| {
            segment.cells[index] == Cell::Object && (height(index) - level).abs() <= tolerance
        })
        .collect();
    let closed: Vec<usize> = (0..mask.len())
        .filter(|&index| !mask[index] && segment.cells[index] == Cell::Hole)
        .filter(|&index| {
            let inside = around(index).filter_map(|(column, row)| segment.index(column, row));
            inside.filter(|&other| mask[other]).count() >= 5
        })
        .collect();
    for index in closed {
        mask[index] = true;
    }
    mask
}
