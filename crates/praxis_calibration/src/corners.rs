//! A picture → the corners of a checkerboard in it.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::saddle::{refined, saddles};
use crate::{Checkerboard, GreyImage};

/// Every inner corner of the board in the picture, row by row as [`Checkerboard`] counts them; none
/// unless all of them are seen.
///
/// Saddles of brightness are joined to a grid, step by step from a seed, so that perspective and a
/// lens may bend it. Pixel coordinates are ROS's.
pub fn find_corners(image: &GreyImage, board: &Checkerboard) -> Option<Vec<[f64; 2]>> {
    // The ring that looks for corners fits squares of some size: near boards are found in a smaller
    // picture.
    let mut pictures = vec![image.clone()];
    while let Some(last) = pictures.last().filter(|last| last.width() > 400) {
        pictures.push(last.halved());
    }
    for (level, picture) in pictures.iter().enumerate() {
        let Some(grid) = find_in(picture, board) else { continue };
        let scale = f64::from(1_u32 << level);
        let to_full = |at: [f64; 2]| at.map(|at| (at + 0.5) * scale - 0.5);
        let full: Vec<[f64; 2]> = grid.into_iter().map(to_full).collect();
        return refine_all(image, board, &full);
    }
    None
}

fn find_in(image: &GreyImage, board: &Checkerboard) -> Option<Vec<[f64; 2]>> {
    let found = saddles(image, 8 * board.corners());
    if found.len() < board.corners() {
        return None;
    }
    // A grid may begin at any true corner; a few seeds suffice, for most saddles are true.
    (0..found.len().min(24)).find_map(|seed| {
        let grid = grown(&found, seed)?;
        ordered(image, board, &found, &grid)
    })
}

/// Grid places of the saddles that hang together with the seed.
fn grown(found: &[[f64; 2]], seed: usize) -> Option<HashMap<(i32, i32), usize>> {
    let offset = |a: usize, b: usize| [found[b][0] - found[a][0], found[b][1] - found[a][1]];
    let length = |v: [f64; 2]| v[0].hypot(v[1]);
    let mut near: Vec<usize> = (0..found.len()).filter(|&other| other != seed).collect();
    near.sort_by(|&a, &b| length(offset(seed, a)).total_cmp(&length(offset(seed, b))));
    let along = offset(seed, *near.first()?);
    // The nearest one that lies well to the side.
    let across = near.iter().take(12).map(|&other| offset(seed, other)).find(|other| {
        let sine = (along[0] * other[1] - along[1] * other[0]) / (length(along) * length(*other));
        sine.abs() > 0.5 && length(*other) < 3.0 * length(along)
    })?;
    let across =
        if along[0] * across[1] - along[1] * across[0] > 0.0 { across } else { across.map(|v| -v) };

    let mut places = HashMap::from([((0, 0), seed)]);
    let mut taken = HashSet::from([seed]);
    let mut queue = VecDeque::from([((0, 0), [along, across])]);
    while let Some((place, steps)) = queue.pop_front() {
        let here = places[&place];
        for (direction, axis, sign) in
            [((1, 0), 0, 1.0), ((-1, 0), 0, -1.0), ((0, 1), 1, 1.0), ((0, -1), 1, -1.0)]
        {
            let next = (place.0 + direction.0, place.1 + direction.1);
            if places.contains_key(&next) {
                continue;
            }
            let step: [f64; 2] = steps[axis].map(|v| sign * v);
            let wanted = [found[here][0] + step[0], found[here][1] + step[1]];
            let far =
                |index: usize| (found[index][0] - wanted[0]).hypot(found[index][1] - wanted[1]);
            let nearest = (0..found.len())
                .filter(|index| !taken.contains(index))
                .min_by(|&a, &b| far(a).total_cmp(&far(b)));
            let Some(nearest) = nearest.filter(|&index| far(index) < 0.3 * length(step)) else {
                continue;
            };
            places.insert(next, nearest);
            taken.insert(nearest);
            let mut own = steps;
            own[axis] = offset(here, nearest).map(|v| sign * v);
            queue.push_back((next, own));
        }
    }
    Some(places)
}

/// The corners in the board's order, if the grid is the board and nothing else.
fn ordered(
    image: &GreyImage,
    board: &Checkerboard,
    found: &[[f64; 2]],
    places: &HashMap<(i32, i32), usize>,
) -> Option<Vec<[f64; 2]>> {
    if places.len() != board.corners() {
        return None;
    }
    let (low_u, high_u) = range(places.keys().map(|place| place.0))?;
    let (low_v, high_v) = range(places.keys().map(|place| place.1))?;
    let (width, height) = ((high_u - low_u + 1) as usize, (high_v - low_v + 1) as usize);
    let (columns, rows) = (board.columns(), board.rows());
    let at = |u: usize, v: usize| {
        places.get(&(low_u + u as i32, low_v + v as i32)).map(|&index| found[index])
    };
    let grid: Vec<[f64; 2]> = if (width, height) == (columns, rows) {
        (0..rows * columns).map(|k| at(k % columns, k / columns)).collect::<Option<_>>()?
    } else if (width, height) == (rows, columns) {
        // A quarter turn keeps the grid's handedness.
        (0..rows * columns)
            .map(|k| at(k / columns, columns - 1 - k % columns))
            .collect::<Option<_>>()?
    } else {
        return None;
    };
    let square = |column: usize, row: usize| {
        let corners =
            [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(c, r)| grid[(row + r) * columns + column + c]);
        let middle = [0, 1].map(|axis| corners.iter().map(|p| p[axis]).sum::<f64>() / 4.0);
        image.between(middle[0], middle[1])
    };
    // Every square must be darker or brighter than its neighbours, as on a checkerboard.
    let (mut even, mut odd) = (Vec::new(), Vec::new());
    for row in 0..rows - 1 {
        for column in 0..columns - 1 {
            let brightness = square(column, row)?;
            if (row + column).is_multiple_of(2) {
                even.push(brightness)
            } else {
                odd.push(brightness)
            }
        }
    }
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    let (even, odd) = (mean(&even), mean(&odd));
    if (even - odd).abs() < 15.0 {
        return None;
    }
    // The first square is the dark one of the two ends.
    Some(if even < odd { grid } else { grid.into_iter().rev().collect() })
}

fn range(values: impl Iterator<Item = i32>) -> Option<(i32, i32)> {
    values.fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((low, high)) => Some((low.min(value), high.max(value))),
    })
}

/// Corners to a fraction of a pixel of the full picture.
fn refine_all(image: &GreyImage, board: &Checkerboard, grid: &[[f64; 2]]) -> Option<Vec<[f64; 2]>> {
    let columns = board.columns();
    let gap = |a: usize, b: usize| (grid[a][0] - grid[b][0]).hypot(grid[a][1] - grid[b][1]);
    (0..grid.len())
        .map(|index| {
            let beside = if index % columns + 1 < columns { index + 1 } else { index - 1 };
            let below =
                if index + columns < grid.len() { index + columns } else { index - columns };
            let side = gap(index, beside).min(gap(index, below));
            refined(image, grid[index], (0.35 * side).clamp(2.0, 8.0))
        })
        .collect()
}
