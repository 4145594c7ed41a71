//! Fits an outline to points seen on it.

use nalgebra::{SMatrix, SVector};
use praxis_network::ShapeKind;

use crate::Outline;

/// Residuals beyond this count linearly, so that a few stray points do not pull (Huber).
const HUBER_M: f64 = 0.002;
const STEPS: usize = 12;
/// Directions tried within a quarter turn before the best are refined.
const STARTS: usize = 9;

/// An outline and how well the points lie on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fit {
    pub outline: Outline,
    /// Root mean square distance of the better nine tenths of the points.
    pub rms_m: f64,
}

type Parameters = SVector<f64, 5>;

/// The outline of the given kind that `edge` points lie on best; `inside` points help to start.
///
/// None when there are too few points to tell.
pub(crate) fn fit_outline(shape: ShapeKind, edge: &[[f64; 2]], inside: &[[f64; 2]]) -> Option<Fit> {
    if edge.len() < 8 || inside.len() < 8 {
        return None;
    }
    let starts = if shape == ShapeKind::Cylinder { 1 } else { STARTS };
    let mut guesses: Vec<(f64, Outline)> = (0..starts)
        .map(|index| {
            let yaw = std::f64::consts::FRAC_PI_2 * index as f64 / starts as f64;
            let guess = guess(shape, yaw, inside);
            (cost(&guess, edge), guess)
        })
        .collect();
    guesses.sort_by(|a, b| a.0.total_cmp(&b.0));
    let edge = thinned(edge);
    let edge = edge.as_slice();
    guesses.truncate(2);

    let refined = guesses.into_iter().map(|(_, guess)| refine(guess, edge));
    let (_, outline) = refined.min_by(|a, b| a.0.total_cmp(&b.0))?;
    let plausible = outline.sides_m.iter().all(|side| (0.004..0.5).contains(side))
        && outline.centre_m.iter().all(|at| at.is_finite());
    plausible.then(|| Fit { rms_m: trimmed_rms(&outline, edge), outline: outline.normalised() })
}

/// Evenly chosen points: more than this tell nothing new.
fn thinned(edge: &[[f64; 2]]) -> Vec<[f64; 2]> {
    const ENOUGH: usize = 160;
    edge.iter().step_by(edge.len().div_ceil(ENOUGH).max(1)).copied().collect()
}

/// The outline whose extent at a yaw covers all but the outermost points.
fn guess(shape: ShapeKind, yaw_rad: f64, inside: &[[f64; 2]]) -> Outline {
    let (sin, cos) = yaw_rad.sin_cos();
    let along = extent(inside.iter().map(|p| cos * p[0] + sin * p[1]));
    let across = extent(inside.iter().map(|p| cos * p[1] - sin * p[0]));
    let (x, y) = (0.5 * (along[0] + along[1]), 0.5 * (across[0] + across[1]));
    let (length, width) = (along[1] - along[0], across[1] - across[0]);
    let mean = 0.5 * (length + width);
    let sides_m = match shape {
        ShapeKind::Box => [length, width],
        ShapeKind::Cylinder => [mean, mean],
        ShapeKind::Cross => [mean, 0.36 * mean],
    };
    Outline { shape, centre_m: [cos * x - sin * y, sin * x + cos * y], yaw_rad, sides_m }
}

/// From the 2nd to the 98th percentile.
fn extent(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let mut values: Vec<f64> = values.collect();
    let cut = values.len() / 50;
    let last = values.len() - 1 - cut;
    let low = *values.select_nth_unstable_by(cut, f64::total_cmp).1;
    let high = *values.select_nth_unstable_by(last, f64::total_cmp).1;
    [low, high]
}

fn huber(distance: f64) -> f64 {
    let size = distance.abs();
    if size <= HUBER_M { 0.5 * size * size } else { HUBER_M * (size - 0.5 * HUBER_M) }
}

fn cost(outline: &Outline, edge: &[[f64; 2]]) -> f64 {
    let outline = outline.placed();
    edge.iter().map(|&point| huber(outline.distance_m(point))).sum()
}

/// Levenberg-Marquardt over centre, yaw and sides.
fn refine(start: Outline, edge: &[[f64; 2]]) -> (f64, Outline) {
    let mut best = parameters(&start);
    let mut best_cost = cost(&start, edge);
    let mut damping = 1e-3;
    // Where a side is not seen at all, it stays where the inner points put it.
    let anchor = 1e-3 * edge.len() as f64;
    let from_start = |now: &Parameters| {
        let moved = (now - parameters(&start)).component_div(&SCALE);
        0.5 * anchor * HUBER_M * HUBER_M * moved.norm_squared()
    };
    for _ in 0..STEPS {
        let (mut hessian, mut gradient) = normal_equations(start.shape, &best, edge);
        for i in 0..5 {
            let weight = anchor * (HUBER_M / SCALE[i]).powi(2);
            hessian[(i, i)] += weight;
            gradient[i] += weight * (best[i] - parameters(&start)[i]);
            hessian[(i, i)] *= 1.0 + damping;
            hessian[(i, i)] += 1e-12;
        }
        let Some(factor) = hessian.cholesky() else { break };
        let step = factor.solve(&gradient);
        let trial = best - step;
        let trial_outline = outline(start.shape, &trial);
        let trial_cost = cost(&trial_outline, edge) + from_start(&trial);
        if trial_outline.sides_m.iter().all(|side| *side > 0.002) && trial_cost < best_cost {
            let gain = best_cost - trial_cost;
            (best, best_cost, damping) = (trial, trial_cost, damping * 0.3);
            if gain < 1e-4 * best_cost {
                break;
            }
        } else {
            damping = (damping * 10.0).max(1e-3);
            if damping > 1e6 {
                break;
            }
        }
    }
    (best_cost, outline(start.shape, &best))
}

/// How far each parameter may be moved by the anchor's leave: metres, radians.
const SCALE: Parameters = Parameters::new(0.01, 0.01, 0.3, 0.01, 0.01);

fn normal_equations(
    shape: ShapeKind,
    at: &Parameters,
    edge: &[[f64; 2]],
) -> (SMatrix<f64, 5, 5>, Parameters) {
    const STEP: f64 = 1e-6;
    let centre = outline(shape, at);
    let shifted = [0, 1, 2, 3, 4].map(|i| {
        let mut moved = *at;
        moved[i] += STEP;
        outline(shape, &moved)
    });
    let (centre, shifted) = (centre.placed(), shifted.each_ref().map(Outline::placed));
    let mut hessian = SMatrix::<f64, 5, 5>::zeros();
    let mut gradient = Parameters::zeros();
    for &point in edge {
        let distance = centre.distance_m(point);
        let weight = if distance.abs() <= HUBER_M { 1.0 } else { HUBER_M / distance.abs() };
        let slope = Parameters::from_fn(|i, _| (shifted[i].distance_m(point) - distance) / STEP);
        hessian.syger(weight, &slope, &slope, 1.0);
        gradient.axpy(weight * distance, &slope, 1.0);
    }
    (hessian, gradient)
}

fn parameters(outline: &Outline) -> Parameters {
    let Outline { centre_m: [x, y], yaw_rad, sides_m: [a, b], .. } = *outline;
    Parameters::new(x, y, yaw_rad, a, b)
}

fn outline(shape: ShapeKind, at: &Parameters) -> Outline {
    let sides_m = if shape == ShapeKind::Cylinder { [at[3]; 2] } else { [at[3], at[4]] };
    Outline { shape, centre_m: [at[0], at[1]], yaw_rad: at[2], sides_m }
}

fn trimmed_rms(outline: &Outline, edge: &[[f64; 2]]) -> f64 {
    let mut squares: Vec<f64> =
        edge.iter().map(|&point| outline.distance_m(point).powi(2)).collect();
    squares.sort_by(f64::total_cmp);
    let kept = (squares.len() * 9).div_ceil(10);
    (squares[..kept].iter().sum::<f64>() / kept as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Points along the outline, found by walking outwards in every direction.
    fn sampled(truth: &Outline, skip_from: f64, skip_to: f64) -> (Vec<[f64; 2]>, Vec<[f64; 2]>) {
        let (mut edge, mut inside) = (Vec::new(), Vec::new());
        for i in -80..=80 {
            for j in -80..=80 {
                let point = [
                    truth.centre_m[0] + f64::from(i) * 0.0006,
                    truth.centre_m[1] + f64::from(j) * 0.0006,
                ];
                let angle = f64::from(j).atan2(f64::from(i));
                let distance = truth.distance_m(point);
                if distance <= 0.0 {
                    inside.push(point);
                }
                if distance.abs() < 0.0003 && !(skip_from..skip_to).contains(&angle) {
                    edge.push(point);
                }
            }
        }
        (edge, inside)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_box_is_found_whatever_its_yaw(
            yaw in -1.5..1.5f64, length in 0.045..0.07f64, ratio in 0.5..0.9f64,
        ) {
            let truth = Outline {
                shape: ShapeKind::Box, centre_m: [0.4, -0.1], yaw_rad: yaw,
                sides_m: [length, length * ratio],
            };
            let (edge, inside) = sampled(&truth, 9.0, 9.0);
            let found = fit_outline(ShapeKind::Box, &edge, &inside).unwrap().outline;
            let off_m = (found.centre_m[0] - 0.4).hypot(found.centre_m[1] + 0.1);
            prop_assert!(off_m < 5e-4, "{off_m}");
            let error = crate::wrapped(found.yaw_rad - yaw, std::f64::consts::PI);
            prop_assert!(error.abs() < 0.02, "{} {}", found.yaw_rad, yaw);
            prop_assert!((found.sides_m[0] - length).abs() < 1e-3);
        }

        #[test]
        fn a_cross_is_found_whatever_its_yaw(
            yaw in -0.78..0.78f64, span in 0.045..0.06f64, bar in 0.016..0.022f64,
        ) {
            let truth = Outline {
                shape: ShapeKind::Cross, centre_m: [0.4, -0.1], yaw_rad: yaw, sides_m: [span, bar],
            };
            let (edge, inside) = sampled(&truth, 9.0, 9.0);
            let found = fit_outline(ShapeKind::Cross, &edge, &inside).unwrap().outline;
            let off_m = (found.centre_m[0] - 0.4).hypot(found.centre_m[1] + 0.1);
            prop_assert!(off_m < 5e-4, "{off_m}");
            let error = crate::wrapped(found.yaw_rad - yaw, std::f64::consts::FRAC_PI_2);
            prop_assert!(error.abs() < 0.02, "{} {}", found.yaw_rad, yaw);
        }

        #[test]
        fn a_circle_is_found_with_a_quarter_hidden(
            radius in 0.015..0.03f64, from in -3.0..1.5f64,
        ) {
            let truth = Outline {
                shape: ShapeKind::Cylinder, centre_m: [0.4, -0.1], yaw_rad: 0.0,
                sides_m: [2.0 * radius; 2],
            };
            let (edge, inside) = sampled(&truth, from, from + 1.57);
            let found = fit_outline(ShapeKind::Cylinder, &edge, &inside).unwrap().outline;
            prop_assert!((found.centre_m[0] - 0.4).hypot(found.centre_m[1] + 0.1) < 1e-3);
            prop_assert!((found.sides_m[0] - 2.0 * radius).abs() < 2e-3);
        }
    }

    #[test]
    fn a_handful_of_points_is_no_outline() {
        assert_eq!(fit_outline(ShapeKind::Box, &[[0.0; 2]; 4], &[[0.0; 2]; 40]), None);
    }
}
