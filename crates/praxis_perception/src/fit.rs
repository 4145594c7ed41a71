//! Fits an outline to points seen on it.

use nalgebra::{SMatrix, SVector};
use praxis_network::ShapeKind;

use crate::Outline;
use crate::reach::Reach;

/// Residuals beyond this count linearly, so that a few stray points do not pull (Huber).
const HUBER_M: f64 = 0.002;
const STEPS: usize = 12;

/// An outline and how well the points lie on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fit {
    pub outline: Outline,
    /// Root mean square distance of the better nine tenths of the points.
    pub rms_m: f64,
}

type Parameters = SVector<f64, 5>;

/// The outline of the given kind that `edge` points lie on best; the `reach` of the points inside
/// helps to start.
///
/// None when there are too few points to tell.
pub(crate) fn fit_outline(shape: ShapeKind, edge: &[[f64; 2]], reach: &Reach) -> Option<Fit> {
    if edge.len() < 8 {
        return None;
    }
    let starts = if shape == ShapeKind::Cylinder { 1 } else { reach.directions() };
    let mut guesses: Vec<(f64, Outline)> = (0..starts)
        .map(|direction| {
            let guess = guess(shape, reach, direction);
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

/// The outline that reaches in a direction as far as all but the outermost points.
fn guess(shape: ShapeKind, reach: &Reach, direction: usize) -> Outline {
    let (yaw_rad, [along, across]) = reach.towards(direction);
    let (sin, cos) = yaw_rad.sin_cos();
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
    let begin = parameters(&start);
    let mut best = begin;
    let mut at_best = Equations::of(&start, edge);
    let mut damping = 1e-3;
    // Where a side is not seen at all, it stays where the inner points put it.
    let anchor = 1e-3 * edge.len() as f64;
    let from_start = |now: &Parameters| {
        let moved = (now - begin).component_div(&SCALE);
        0.5 * anchor * HUBER_M * HUBER_M * moved.norm_squared()
    };
    for _ in 0..STEPS {
        let (mut hessian, mut gradient) = (at_best.hessian, at_best.gradient);
        for i in 0..5 {
            let weight = anchor * (HUBER_M / SCALE[i]).powi(2);
            hessian[(i, i)] += weight;
            gradient[i] += weight * (best[i] - begin[i]);
            hessian[(i, i)] *= 1.0 + damping;
            hessian[(i, i)] += 1e-12;
        }
        let Some(factor) = hessian.cholesky() else { break };
        let trial = best - factor.solve(&gradient);
        let trial_outline = outline(start.shape, &trial);
        let mut at_trial = Equations::of(&trial_outline, edge);
        at_trial.cost += from_start(&trial);
        let trial_cost = at_trial.cost;
        if trial_outline.sides_m.iter().all(|side| *side > 0.002) && trial_cost < at_best.cost {
            let gain = at_best.cost - trial_cost;
            (best, at_best, damping) = (trial, at_trial, damping * 0.3);
            if gain < 1e-4 * (trial_cost + gain) {
                break;
            }
        } else {
            damping = (damping * 10.0).max(1e-3);
            if damping > 1e6 {
                break;
            }
        }
    }
    (at_best.cost, outline(start.shape, &best))
}

/// How far each parameter may be moved by the anchor's leave: metres, radians.
const SCALE: Parameters = Parameters::new(0.01, 0.01, 0.3, 0.01, 0.01);

/// What the points say about an outline: the cost and its normal equations.
struct Equations {
    cost: f64,
    /// Only its lower half is filled, which is all that Cholesky reads.
    hessian: SMatrix<f64, 5, 5>,
    gradient: Parameters,
}

impl Equations {
    fn of(outline: &Outline, edge: &[[f64; 2]]) -> Self {
        let placed = outline.placed();
        let mut cost = 0.0;
        let mut hessian = [[0.0; 5]; 5];
        let mut gradient = [0.0; 5];
        for &point in edge {
            let (distance, slope) = placed.distance_and_slope(point);
            cost += huber(distance);
            let weight = if distance.abs() <= HUBER_M { 1.0 } else { HUBER_M / distance.abs() };
            for row in 0..5 {
                let weighted = weight * slope[row];
                gradient[row] += weighted * distance;
                for column in 0..=row {
                    hessian[row][column] += weighted * slope[column];
                }
            }
        }
        let hessian = SMatrix::from_fn(|row, column| hessian[row][column]);
        Self { cost, hessian, gradient: Parameters::from(gradient) }
    }
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
    let outline = outline.placed();
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

    fn fitted(shape: ShapeKind, edge: &[[f64; 2]], inside: &[[f64; 2]]) -> Fit {
        fit_outline(shape, edge, &Reach::of(inside).unwrap()).unwrap()
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
            let found = fitted(ShapeKind::Box, &edge, &inside).outline;
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
            let found = fitted(ShapeKind::Cross, &edge, &inside).outline;
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
            let found = fitted(ShapeKind::Cylinder, &edge, &inside).outline;
            prop_assert!((found.centre_m[0] - 0.4).hypot(found.centre_m[1] + 0.1) < 1e-3);
            prop_assert!((found.sides_m[0] - 2.0 * radius).abs() < 2e-3);
        }
    }

    #[test]
    fn a_handful_of_points_is_no_outline() {
        let reach = Reach::of(&[[0.0; 2]; 40]).unwrap();
        assert_eq!(fit_outline(ShapeKind::Box, &[[0.0; 2]; 4], &reach), None);
    }
}
