//! Time-optimal speed along a section under velocity and acceleration limits.
//!
//! Reachability analysis on a grid (TOPP-RA, Pham and Pham, IEEE T-RO 34(3), 2018), in
//! `x = speed²` and `u = acceleration` along the path. On the pieces used here the slope of the path
//! is linear and its bend constant in the parameter, so a constraint that holds at both ends of a
//! grid interval holds in all of it.

use crate::blended_path::{Piece, Section};
use crate::limits::JointLimit;

/// Grid intervals on one rounded corner.
const CORNER_INTERVALS: usize = 8;

/// Motion along a part of one piece at constant path acceleration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arc {
    pub piece: usize,
    /// Parameter on the piece where the arc starts.
    pub s: f64,
    /// Speed at its start.
    pub speed: f64,
    /// Path acceleration.
    pub acceleration: f64,
    pub duration_s: f64,
}

/// Part of a piece between two grid nodes, with its constraints
/// `slope * u + bend * x` within `± acceleration limit` at either end.
struct Interval {
    piece: usize,
    s: f64,
    ds: f64,
    /// Highest x at both ends by the velocity limits.
    x_cap: f64,
    /// Highest |u| on a line; unused on a corner.
    u_max: f64,
}

/// `p u + r x <= c`.
#[derive(Clone, Copy)]
struct Constraint {
    p: f64,
    r: f64,
    c: f64,
}

/// Fastest rest-to-rest motion along the section.
pub(crate) fn fastest(section: &Section, limits: &[JointLimit]) -> Vec<Arc> {
    let intervals = grid(&section.pieces, limits);
    let nodes = intervals.len() + 1;
    let mut x_max = vec![f64::INFINITY; nodes];
    for (k, interval) in intervals.iter().enumerate() {
        x_max[k] = x_max[k].min(interval.x_cap);
        x_max[k + 1] = x_max[k + 1].min(interval.x_cap);
    }
    (x_max[0], x_max[nodes - 1]) = (0.0, 0.0);

    let mut constraints = Vec::with_capacity(4 * limits.len() + 2);
    for (k, interval) in intervals.iter().enumerate().rev() {
        let piece = &section.pieces[interval.piece];
        let next = x_max[k + 1];
        x_max[k] = if piece.is_line() {
            x_max[k].min(next + 2.0 * interval.u_max * interval.ds)
        } else {
            gather(piece, interval, next, limits, &mut constraints);
            highest_x(&constraints, x_max[k])
        };
    }

    let mut arcs = Vec::with_capacity(nodes + 2 * section.pieces.len());
    let mut x = 0.0;
    for (k, interval) in intervals.iter().enumerate() {
        let piece = &section.pieces[interval.piece];
        let next = x_max[k + 1];
        if piece.is_line() {
            let reached = next.min(x + 2.0 * interval.u_max * interval.ds);
            push_line(&mut arcs, interval, x, reached);
            x = reached;
        } else {
            gather(piece, interval, next, limits, &mut constraints);
            let (low, high) = range_of_u(&constraints, x);
            // Rounding may leave a range that is empty by an ulp.
            let u = if high < low { 0.5 * (low + high) } else { high };
            let reached = (x + 2.0 * interval.ds * u).clamp(0.0, next);
            push_arc(&mut arcs, interval.piece, interval.s, interval.ds, x, reached);
            x = reached;
        }
    }
    arcs
}

fn grid(pieces: &[Piece], limits: &[JointLimit]) -> Vec<Interval> {
    let mut intervals = Vec::with_capacity(pieces.len() * (1 + CORNER_INTERVALS) / 2 + 2);
    for (index, piece) in pieces.iter().enumerate() {
        let count = if piece.is_line() { 1 } else { CORNER_INTERVALS };
        let ds = piece.length / count as f64;
        for k in 0..count {
            let s = k as f64 * ds;
            let (mut x_cap, mut u_max) = (f64::INFINITY, f64::INFINITY);
            for (joint, limit) in limits.iter().enumerate() {
                // |slope| is largest at an end, as it is linear.
                let slope = piece.slope(joint, s).abs().max(piece.slope(joint, s + ds).abs());
                if slope > 1e-12 {
                    x_cap = x_cap.min((limit.velocity / slope).powi(2));
                    u_max = u_max.min(limit.acceleration / slope);
                }
            }
            intervals.push(Interval { piece: index, s, ds, x_cap, u_max });
        }
    }
    intervals
}

/// All constraints on (u, x) at the start of a corner interval whose end may have at most `next`.
fn gather(
    piece: &Piece,
    interval: &Interval,
    next: f64,
    limits: &[JointLimit],
    constraints: &mut Vec<Constraint>,
) {
    let Interval { s, ds, .. } = *interval;
    constraints.clear();
    for (joint, limit) in limits.iter().enumerate() {
        let (bend, c) = (piece.bend[joint], limit.acceleration);
        let here = piece.slope(joint, s);
        // At the end x has grown by 2 ds u, which goes to the factor of u.
        let there = piece.slope(joint, s + ds) + 2.0 * ds * bend;
        for p in [here, there] {
            constraints.push(Constraint { p, r: bend, c });
            constraints.push(Constraint { p: -p, r: -bend, c });
        }
    }
    constraints.push(Constraint { p: 2.0 * ds, r: 1.0, c: next });
    constraints.push(Constraint { p: -2.0 * ds, r: -1.0, c: 0.0 });
}

/// Largest `x <= cap` for which some u meets all constraints; (0, 0) always does.
///
/// The width of the range of u is concave in x, so stepping to where the two constraints that are
/// most at odds meet (Newton's method) comes down to the answer from above.
fn highest_x(constraints: &[Constraint], cap: f64) -> f64 {
    let mut x = cap;
    for constraint in constraints {
        if constraint.p.abs() < 1e-12 && constraint.r > 0.0 {
            x = x.min(constraint.c / constraint.r);
        }
    }
    for _ in 0..32 {
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        // u <= high0 - high1 x, and the same for low.
        let (mut low_line, mut high_line) = ((0.0, 0.0), (0.0, 0.0));
        for &Constraint { p, r, c } in constraints {
            if p.abs() < 1e-12 {
                continue;
            }
            let line = (c / p, r / p);
            let u = line.0 - line.1 * x;
            if p > 0.0 && u < high {
                (high, high_line) = (u, line);
            } else if p < 0.0 && u > low {
                (low, low_line) = (u, line);
            }
        }
        if low <= high + 1e-12 * (1.0 + high.abs()) {
            return x.max(0.0);
        }
        let closing = low_line.1 - high_line.1;
        let meet = (low_line.0 - high_line.0) / closing;
        if !(meet.is_finite() && meet < x) {
            return x.max(0.0);
        }
        x = meet.max(0.0);
    }
    x
}

fn range_of_u(constraints: &[Constraint], x: f64) -> (f64, f64) {
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    for &Constraint { p, r, c } in constraints {
        if p > 1e-12 {
            high = high.min((c - r * x) / p);
        } else if p < -1e-12 {
            low = low.max((c - r * x) / p);
        }
    }
    (low, high)
}

/// Accelerate, cruise, brake over one straight interval.
fn push_line(arcs: &mut Vec<Arc>, interval: &Interval, x0: f64, x1: f64) {
    let Interval { piece, s, ds, x_cap, u_max } = *interval;
    let peak = (0.5 * (x0 + x1) + u_max * ds).min(x_cap).max(x0.max(x1));
    let speeding_up = ((peak - x0) / (2.0 * u_max)).min(ds);
    let braking = ((peak - x1) / (2.0 * u_max)).min(ds - speeding_up);
    push_arc(arcs, piece, s, speeding_up, x0, peak);
    push_arc(arcs, piece, s + speeding_up, ds - speeding_up - braking, peak, peak);
    push_arc(arcs, piece, s + ds - braking, braking, peak, x1);
}

fn push_arc(arcs: &mut Vec<Arc>, piece: usize, s: f64, ds: f64, x0: f64, x1: f64) {
    let (v0, v1) = (x0.sqrt(), x1.sqrt());
    if ds <= 1e-15 || v0 + v1 <= 0.0 {
        return;
    }
    let duration_s = 2.0 * ds / (v0 + v1);
    let acceleration = (v1 - v0) / duration_s;
    arcs.push(Arc { piece, s, speed: v0, acceleration, duration_s });
}
