//! From a motion with bounded acceleration to one with bounded jerk.
//!
//! A moving average of length T over a motion keeps every bound on velocity and acceleration (it
//! is a mean of values within them), stays inside the convex hull of the path, and its jerk is the
//! change of acceleration over T divided by T. Averaging samples on a grid gives cubic segments, so
//! the result is exact, not fitted.

use crate::blended_path::Section;
use crate::limits::JointLimit;
use crate::speed_profile::Arc;
use crate::{Trajectory, TrajectoryError};

/// Grid intervals within the shortest window.
const STEPS_PER_WINDOW: f64 = 6.0;
/// Most grid intervals of one section.
const MAX_STEPS: f64 = 4000.0;

/// Time, from the start of its section, in which a motion rounds a corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stretch {
    pub corner: usize,
    pub start_s: f64,
    pub end_s: f64,
}

/// Rows of a motion that starts and ends at rest.
pub(crate) struct Smoothed {
    pub step_s: f64,
    /// Outside these the motion is on the lines of its path.
    pub stretches: Vec<Stretch>,
    dim: usize,
    position: Vec<f64>,
    velocity: Vec<f64>,
    acceleration: Vec<f64>,
}

/// Longest ratio of acceleration to jerk: half the window that serves every change of acceleration.
pub(crate) fn ramp_s(limits: &[JointLimit]) -> f64 {
    limits.iter().map(|l| l.acceleration / l.jerk).fold(0.0, f64::max)
}

/// Averages the motion along `arcs` over the shortest window that keeps all jerk limits.
/// `ramp_s` is the longest `acceleration / jerk` that the motion was planned with.
pub(crate) fn smooth(
    section: &Section,
    arcs: &[Arc],
    limits: &[JointLimit],
    ramp_s: f64,
) -> Smoothed {
    let dim = section.end.len();
    let duration_s: f64 = arcs.iter().map(|arc| arc.duration_s).sum();
    let wished = (ramp_s / STEPS_PER_WINDOW).max(duration_s / MAX_STEPS);
    let steps = (duration_s / wished).ceil().max(1.0);
    let step_s = duration_s / steps;
    let samples = sample(section, arcs, step_s, steps as usize);
    let second = second_differences(&samples, dim, step_s);
    let window = shortest_window(&second, dim, limits, ramp_s, step_s);
    let mut smoothed = average_and_integrate(&samples, &second, dim, window, step_s, &section.end);
    smoothed.stretches = stretches(section, arcs, step_s, window);
    smoothed
}

/// When each corner is rounded: the averaged motion is what the samples of a window before make of
/// it, and a sample stands for one step either side of it.
fn stretches(section: &Section, arcs: &[Arc], step_s: f64, window: usize) -> Vec<Stretch> {
    let late_s = (window + 1) as f64 * step_s;
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut time_s = 0.0;
    for arc in arcs {
        let (start_s, end_s) = (time_s - step_s, time_s + arc.duration_s + late_s);
        time_s += arc.duration_s;
        let Some(corner) = section.pieces[arc.piece].corner else { continue };
        match stretches.last_mut() {
            Some(last) if last.corner == corner => last.end_s = end_s,
            _ => stretches.push(Stretch { corner, start_s, end_s }),
        }
    }
    stretches
}

/// Positions at `0, step, .., steps * step`, the last being the end exactly.
fn sample(section: &Section, arcs: &[Arc], step_s: f64, steps: usize) -> Vec<f64> {
    let dim = section.end.len();
    let mut samples = vec![0.0; (steps + 1) * dim];
    let (mut arc, mut arc_start_s) = (0, 0.0);
    for (k, row) in samples.chunks_exact_mut(dim).enumerate().take(steps) {
        let time_s = k as f64 * step_s;
        while arc + 1 < arcs.len() && time_s > arc_start_s + arcs[arc].duration_s {
            arc_start_s += arcs[arc].duration_s;
            arc += 1;
        }
        let Arc { piece, s, speed, acceleration, duration_s } = arcs[arc];
        let elapsed_s = (time_s - arc_start_s).min(duration_s);
        let s = s + elapsed_s * (speed + 0.5 * acceleration * elapsed_s);
        section.pieces[piece].position_into(s, row);
    }
    samples[steps * dim..].copy_from_slice(&section.end);
    samples
}

/// Accelerations of the quadratic B-spline over the samples: constant on each of its intervals.
fn second_differences(samples: &[f64], dim: usize, step_s: f64) -> Vec<f64> {
    let rows = samples.len() / dim;
    let scale = 1.0 / (step_s * step_s);
    let mut second = vec![0.0; rows * dim];
    for k in 0..rows {
        let (before, after) = (k.saturating_sub(1), (k + 1).min(rows - 1));
        for i in 0..dim {
            second[k * dim + i] = scale
                * (samples[after * dim + i] - 2.0 * samples[k * dim + i]
                    + samples[before * dim + i]);
        }
    }
    second
}

/// Fewest grid intervals in the window for which no joint exceeds its jerk limit.
fn shortest_window(
    second: &[f64],
    dim: usize,
    limits: &[JointLimit],
    ramp_s: f64,
    step_s: f64,
) -> usize {
    let always_enough = (2.0 * ramp_s / step_s).ceil().max(1.0) as usize;
    let least = (ramp_s / step_s).floor().max(1.0) as usize;
    (least..always_enough)
        .find(|&window| within_jerk(second, dim, limits, window, step_s))
        .unwrap_or(always_enough)
}

fn within_jerk(
    second: &[f64],
    dim: usize,
    limits: &[JointLimit],
    window: usize,
    step_s: f64,
) -> bool {
    let rows = second.len() / dim;
    let window_s = window as f64 * step_s;
    limits.iter().enumerate().all(|(i, limit)| {
        let most = limit.jerk * window_s;
        let value = |k: usize| second[k * dim + i];
        (0..rows).all(|k| {
            let leaving = if k >= window { value(k - window) } else { 0.0 };
            (value(k) - leaving).abs() <= most
        }) && (rows.saturating_sub(window)..rows).all(|k| value(k).abs() <= most)
    })
}

fn average_and_integrate(
    samples: &[f64],
    second: &[f64],
    dim: usize,
    window: usize,
    step_s: f64,
    end: &[f64],
) -> Smoothed {
    let intervals = second.len() / dim + window;
    let rows = intervals + 1;
    let mut position = vec![0.0; rows * dim];
    let mut velocity = vec![0.0; rows * dim];
    let mut acceleration = vec![0.0; rows * dim];
    let share = 1.0 / window as f64;
    position[..dim].copy_from_slice(&samples[..dim]);
    for m in 1..rows {
        let (here, before) = (m * dim, (m - 1) * dim);
        for i in 0..dim {
            let entering = second.get(before + i).copied().unwrap_or(0.0);
            let leaving = if m > window { second[before - window * dim + i] } else { 0.0 };
            let (a0, v0) = (acceleration[before + i], velocity[before + i]);
            let a1 = a0 + share * (entering - leaving);
            acceleration[here + i] = a1;
            velocity[here + i] = v0 + 0.5 * step_s * (a0 + a1);
            position[here + i] =
                position[before + i] + step_s * (v0 + step_s * (a0 / 3.0 + a1 / 6.0));
        }
    }
    // The sums end there but for rounding.
    position[intervals * dim..].copy_from_slice(end);
    velocity[intervals * dim..].fill(0.0);
    acceleration[intervals * dim..].fill(0.0);
    Smoothed { step_s, stretches: Vec::new(), dim, position, velocity, acceleration }
}

impl Smoothed {
    pub fn duration_s(&self) -> f64 {
        (self.rows() - 1) as f64 * self.step_s
    }

    fn rows(&self) -> usize {
        self.position.len() / self.dim
    }

    fn row<'a>(&self, values: &'a [f64], row: usize) -> &'a [f64] {
        &values[row * self.dim..(row + 1) * self.dim]
    }

    /// Appends the knots where the jerk changes, `offset_s` later; the first only if `with_first`.
    pub fn append_to(
        &self,
        trajectory: &mut Trajectory,
        offset_s: f64,
        with_first: bool,
    ) -> Result<(), TrajectoryError> {
        let last = self.rows() - 1;
        let mut kept = 0;
        for row in 0..=last {
            let is_end = row == 0 || row == last;
            // Long gaps would let rounding grow; a knot at least every 32 steps costs little.
            if (row == 0 && !with_first)
                || (!is_end && row - kept < 32 && !self.jerk_changes_at(row))
            {
                continue;
            }
            kept = row;
            trajectory.push(
                offset_s + row as f64 * self.step_s,
                self.row(&self.position, row),
                Some(self.row(&self.velocity, row)),
                Some(self.row(&self.acceleration, row)),
            )?;
        }
        Ok(())
    }

    fn jerk_changes_at(&self, row: usize) -> bool {
        let a = &self.acceleration;
        (0..self.dim).any(|i| {
            let [before, here, after] = [row - 1, row, row + 1].map(|r| a[r * self.dim + i]);
            (after - 2.0 * here + before).abs() > 1e-7 * (1.0 + here.abs())
        })
    }
}
