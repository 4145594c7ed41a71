use crate::TrajectoryError;
use crate::error::ensure_finite;

/// Corners whose unit directions differ by less than this are straight on.
const STRAIGHT: f64 = 1e-9;
/// Steps shorter than this are the same waypoint twice.
const SAME_POINT: f64 = 1e-9;

/// One stretch of a path, with its own arc parameter from 0 to `length`.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub length: f64,
    pub start: Vec<f64>,
    /// Unit direction at the start.
    pub direction: Vec<f64>,
    /// Change of direction per unit of the parameter; empty on a straight line.
    pub bend: Vec<f64>,
}

impl Piece {
    pub fn is_line(&self) -> bool {
        self.bend.is_empty()
    }

    /// First derivative by the parameter, one joint.
    pub fn slope(&self, joint: usize, s: f64) -> f64 {
        if self.is_line() {
            self.direction[joint]
        } else {
            self.direction[joint] + self.bend[joint] * s
        }
    }

    /// Position at `s`, written to `out`.
    pub fn position_into(&self, s: f64, out: &mut [f64]) {
        if self.is_line() {
            for (i, out) in out.iter_mut().enumerate() {
                *out = self.start[i] + s * self.direction[i];
            }
        } else {
            for (i, out) in out.iter_mut().enumerate() {
                *out = self.start[i] + s * (self.direction[i] + 0.5 * s * self.bend[i]);
            }
        }
    }
}

/// A path cut where it must stop: each section is smooth (continuous direction) from end to end.
pub(crate) struct Section {
    pub pieces: Vec<Piece>,
    pub end: Vec<f64>,
}

/// Straight lines through `waypoints`, each corner rounded by a parabola that passes it at
/// `corner_deviation`; zero means a sharp corner, where the motion has to stop.
pub(crate) fn blend(
    waypoints: &[Vec<f64>],
    corner_deviation: &[f64],
) -> Result<Vec<Section>, TrajectoryError> {
    check(waypoints, corner_deviation)?;
    let (points, deviations) = without_repeats(waypoints, corner_deviation);
    if points.len() < 2 {
        return Ok(Vec::new());
    }
    let legs: Vec<Leg> = points.windows(2).map(|w| Leg::new(w[0], w[1])).collect();
    let cuts: Vec<f64> = (0..legs.len() - 1).map(|i| cut(&legs, i, deviations[i])).collect();

    let mut sections = Vec::new();
    let mut pieces = Vec::new();
    for (i, leg) in legs.iter().enumerate() {
        let cut_before = if i == 0 { 0.0 } else { cuts[i - 1] };
        let cut_after = if i + 1 == legs.len() { 0.0 } else { cuts[i] };
        let straight = leg.length - cut_before - cut_after;
        if straight > SAME_POINT {
            pieces.push(Piece {
                length: straight,
                start: leg.at(points[i], cut_before),
                direction: leg.direction.clone(),
                bend: Vec::new(),
            });
        }
        if i + 1 == legs.len() || (cuts[i] == 0.0 && turn(leg, &legs[i + 1]) > STRAIGHT) {
            let pieces = std::mem::take(&mut pieces);
            sections.push(Section { pieces, end: points[i + 1].clone() });
        } else if cuts[i] > 0.0 {
            let length = 2.0 * cuts[i];
            let next = &legs[i + 1].direction;
            pieces.push(Piece {
                length,
                start: leg.at(points[i], leg.length - cuts[i]),
                direction: leg.direction.clone(),
                bend: next.iter().zip(&leg.direction).map(|(b, a)| (b - a) / length).collect(),
            });
        }
    }
    Ok(sections)
}

struct Leg {
    length: f64,
    direction: Vec<f64>,
}

impl Leg {
    fn new(from: &[f64], to: &[f64]) -> Self {
        let length = distance(from, to);
        Self { length, direction: from.iter().zip(to).map(|(a, b)| (b - a) / length).collect() }
    }

    fn at(&self, from: &[f64], s: f64) -> Vec<f64> {
        from.iter().zip(&self.direction).map(|(p, d)| p + s * d).collect()
    }
}

/// Length of the change of unit direction: 0 straight on, 2 straight back.
fn turn(a: &Leg, b: &Leg) -> f64 {
    distance(&a.direction, &b.direction)
}

/// How far before and after corner `i` its parabola reaches.
fn cut(legs: &[Leg], i: usize, deviation: f64) -> f64 {
    let turn = turn(&legs[i], &legs[i + 1]);
    if turn <= STRAIGHT || deviation <= 0.0 {
        return 0.0;
    }
    // The parabola passes the corner at cut * turn / 4.
    let wanted = 4.0 * deviation / turn;
    let before = if i == 0 { 0.9 } else { 0.5 } * legs[i].length;
    let after = if i + 2 == legs.len() { 0.9 } else { 0.5 } * legs[i + 1].length;
    wanted.min(before).min(after)
}

fn check(waypoints: &[Vec<f64>], corner_deviation: &[f64]) -> Result<(), TrajectoryError> {
    if waypoints.is_empty() {
        return Err(TrajectoryError::TooFew { what: "waypoints", got: 0, needed: 1 });
    }
    for (index, waypoint) in waypoints.iter().enumerate() {
        ensure_finite(|| format!("waypoint {index}"), waypoint, waypoints[0].len())?;
    }
    let corners = waypoints.len().saturating_sub(2);
    ensure_finite(|| "corner deviation".to_owned(), corner_deviation, corners)
}

fn without_repeats<'a>(
    waypoints: &'a [Vec<f64>],
    corner_deviation: &[f64],
) -> (Vec<&'a Vec<f64>>, Vec<f64>) {
    let mut points = vec![&waypoints[0]];
    let mut deviations = Vec::new();
    for (i, waypoint) in waypoints.iter().enumerate().skip(1) {
        if distance(points[points.len() - 1], waypoint) > SAME_POINT {
            points.push(waypoint);
            deviations.push(corner_deviation.get(i - 1).copied().unwrap_or(0.0));
        } else if let (Some(last), Some(&deviation)) =
            (deviations.last_mut(), corner_deviation.get(i - 1))
        {
            // The same point twice keeps the tighter of its two deviations.
            *last = deviation.min(*last);
        }
    }
    (points, deviations)
}

pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_angle_is_passed_at_the_stated_deviation() {
        let waypoints = vec![vec![0.0, 0.0], vec![1.0, 0.0], vec![1.0, 1.0]];
        let sections = blend(&waypoints, &[0.05]).unwrap();
        assert_eq!(sections.len(), 1);
        let blend = &sections[0].pieces[1];
        let mut middle = [0.0; 2];
        blend.position_into(0.5 * blend.length, &mut middle);
        assert!((distance(&middle, &[1.0, 0.0]) - 0.05).abs() < 1e-12);
        // And it ends where the next line starts.
        blend.position_into(blend.length, &mut middle);
        assert!(distance(&middle, &sections[0].pieces[2].start) < 1e-12);
    }

    #[test]
    fn without_deviation_a_corner_cuts_the_path_and_a_straight_one_does_not() {
        let waypoints = vec![vec![0.0, 0.0], vec![1.0, 0.0], vec![2.0, 0.0], vec![2.0, 1.0]];
        let sections = blend(&waypoints, &[0.0, 0.0]).unwrap();
        assert_eq!(sections.len(), 2);
        assert_eq!(sections[0].end, [2.0, 0.0]);
    }

    #[test]
    fn repeated_waypoints_are_one() {
        let waypoints = vec![vec![0.0], vec![0.0], vec![1.0], vec![1.0]];
        let sections = blend(&waypoints, &[0.0, 0.0]).unwrap();
        assert_eq!(sections.len(), 1);
        assert!(blend(&[vec![1.0], vec![1.0]], &[]).unwrap().is_empty());
    }
}
