//! Places where four squares meet: saddles of brightness.

use crate::GreyImage;

/// Sixteen pixels on a ring of radius 5.
const RING: [(isize, isize); 16] = [
    (0, -5),
    (2, -5),
    (3, -3),
    (5, -2),
    (5, 0),
    (5, 2),
    (3, 3),
    (2, 5),
    (0, 5),
    (-2, 5),
    (-3, 3),
    (-5, 2),
    (-5, 0),
    (-5, -2),
    (-3, -3),
    (-2, -5),
];
const MARGIN: usize = 6;

/// Saddles, the clearest first, to a pixel.
///
/// The response is that of ChESS (Bennett and Lasenby, 2014, section 3): opposite samples on a ring
/// are alike at a saddle, those a quarter turn apart are not.
pub(crate) fn saddles(image: &GreyImage, most: usize) -> Vec<[f64; 2]> {
    let (width, height) = (image.width(), image.height());
    if width <= 2 * MARGIN || height <= 2 * MARGIN {
        return Vec::new();
    }
    let mut responses = vec![0.0f32; width * height];
    for row in MARGIN..height - MARGIN {
        for column in MARGIN..width - MARGIN {
            responses[row * width + column] = response(image, column, row);
        }
    }
    let highest = responses.iter().copied().fold(0.0, f32::max);
    // A share of the clearest: contrast differs from picture to picture.
    let least = (0.15 * highest).max(40.0);
    let mut found: Vec<(f32, [f64; 2])> = Vec::new();
    const NEAR: usize = 3;
    for row in MARGIN..height - MARGIN {
        for column in MARGIN..width - MARGIN {
            let own = responses[row * width + column];
            if own < least {
                continue;
            }
            let is_peak = (row - NEAR..=row + NEAR).all(|y| {
                (column - NEAR..=column + NEAR).all(|x| {
                    let other = responses[y * width + x];
                    // Of equals the first counts.
                    other < own || (other == own && (y, x) >= (row, column))
                })
            });
            if is_peak {
                found.push((own, [column as f64, row as f64]));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.truncate(most);
    found.into_iter().map(|(_, at)| at).collect()
}

fn response(image: &GreyImage, column: usize, row: usize) -> f32 {
    let ring =
        RING.map(|(dx, dy)| image.at(column.wrapping_add_signed(dx), row.wrapping_add_signed(dy)));
    let sums: f32 =
        (0..4).map(|n| ((ring[n] + ring[n + 8]) - (ring[n + 4] + ring[n + 12])).abs()).sum();
    let differences: f32 = (0..8).map(|n| (ring[n] - ring[n + 8]).abs()).sum();
    let mean = ring.iter().sum::<f32>() / 16.0;
    let (x, y) = (column, row);
    let middle = (image.at(x, y)
        + image.at(x - 1, y)
        + image.at(x + 1, y)
        + image.at(x, y - 1)
        + image.at(x, y + 1))
        / 5.0;
    sums - differences - 16.0 * (mean - middle).abs()
}

/// The saddle near a place to a fraction of a pixel: where all gradients around point past it.
///
/// None when it runs away or the gradients do not fix it.
pub(crate) fn refined(image: &GreyImage, start: [f64; 2], radius: f64) -> Option<[f64; 2]> {
    let mut at = start;
    let reach = radius.ceil() as isize;
    for _ in 0..20 {
        let (mut xx, mut xy, mut yy, mut bx, mut by) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for dy in -reach..=reach {
            for dx in -reach..=reach {
                let (x, y) = (at[0] + dx as f64, at[1] + dy as f64);
                let slope = |ax: f64, ay: f64| {
                    let ahead = image.between(x + ax, y + ay)?;
                    let behind = image.between(x - ax, y - ay)?;
                    Some(f64::from(ahead - behind))
                };
                let (gx, gy) = (slope(1.0, 0.0)?, slope(0.0, 1.0)?);
                let distance2 = (dx * dx + dy * dy) as f64 / (radius * radius);
                let weight = (-2.0 * distance2).exp();
                xx += weight * gx * gx;
                xy += weight * gx * gy;
                yy += weight * gy * gy;
                bx += weight * (gx * gx * x + gx * gy * y);
                by += weight * (gx * gy * x + gy * gy * y);
            }
        }
        let determinant = xx * yy - xy * xy;
        if determinant.is_nan() || determinant <= 1e-3 * (xx + yy) * (xx + yy) * 0.1 {
            return None;
        }
        let next = [(yy * bx - xy * by) / determinant, (xx * by - xy * bx) / determinant];
        let moved = (next[0] - at[0]).hypot(next[1] - at[1]);
        at = next;
        if (at[0] - start[0]).hypot(at[1] - start[1]) > radius {
            return None;
        }
        if moved < 1e-3 {
            break;
        }
    }
    Some(at)
}
