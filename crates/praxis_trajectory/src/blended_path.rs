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
    /// The corner that it rounds.
    pub corner: Option<usize>,
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

/// Straight lines through waypoints of which no two neighbours are the same.
pub(crate) struct Polyline {
    points: Vec<Vec<f64>>,
    legs: Vec<Leg>,
    /// Length of the change of unit direction at each corner: 0 straight on, 2 straight back.
    turns: Vec<f64>,
}

impl Polyline {
    /// The lines and what is left of `deviations`, which has a value for each inner waypoint.
    pub fn new(
        waypoints: &[Vec<f64>],
        deviations: &[f64],
    ) -> Result<(Self, Vec<f64>), TrajectoryError> {
        check(waypoints, deviations)?;
        let (points, mut deviations) = without_repeats(waypoints, deviations);
        let legs: Vec<Leg> = points.windows(2).map(|w| Leg::new(&w[0], &w[1])).collect();
        let turns: Vec<f64> =
            legs.windows(2).map(|w| distance(&w[0].direction, &w[1].direction)).collect();
        deviations.truncate(turns.len());
        Ok((Self { points, legs, turns }, deviations))
    }

    /// Number of inner waypoints.
    pub fn corners(&self) -> usize {
        self.turns.len()
    }

    /// Largest deviation that the legs beside a corner leave room for.
    pub fn widest_deviation(&self, corner: usize) -> f64 {
        0.25 * self.turns[corner] * self.longest_cut(corner)
    }

    /// The parabola that rounds a corner, if it is to be rounded and does not go straight on.
    pub fn rounded(&self, corner: usize, deviation: f64) -> Option<Piece> {
        let cut = self.cut(corner, deviation);
        let [before, after] = [&self.legs[corner], &self.legs[corner + 1]];
        (cut > 0.0).then(|| {
            let length = 2.0 * cut;
            Piece {
                length,
                start: before.at(&self.points[corner], before.length - cut),
                direction: before.direction.clone(),
                bend: (after.direction.iter().zip(&before.direction))
                    .map(|(b, a)| (b - a) / length)
                    .collect(),
                corner: Some(corner),
            }
        })
    }

    /// Each corner rounded by a parabola that passes it at its deviation; zero means a sharp
    /// corner, where the motion has to stop.
    pub fn sections(&self, deviations: &[f64]) -> Vec<Section> {
        let mut sections = Vec::new();
        let mut pieces = Vec::new();
        let mut cut_before = 0.0;
        for (i, leg) in self.legs.iter().enumerate() {
            let is_last = i == self.corners();
            let corner = if is_last { None } else { self.rounded(i, deviations[i]) };
            let cut_after = corner.as_ref().map_or(0.0, |piece| 0.5 * piece.length);
            let straight = leg.length - cut_before - cut_after;
            if straight > SAME_POINT {
                pieces.push(Piece {
                    length: straight,
                    start: leg.at(&self.points[i], cut_before),
                    direction: leg.direction.clone(),
                    bend: Vec::new(),
                    corner: None,
                });
            }
            if is_last || (corner.is_none() && self.turns[i] > STRAIGHT) {
                let pieces = std::mem::take(&mut pieces);
                sections.push(Section { pieces, end: self.points[i + 1].clone() });
            }
            pieces.extend(corner);
            cut_before = cut_after;
        }
        sections
    }

    /// How far before and after a corner its parabola reaches.
    fn cut(&self, corner: usize, deviation: f64) -> f64 {
        let turn = self.turns[corner];
        if turn <= STRAIGHT || deviation <= 0.0 {
            return 0.0;
        }
        // The parabola passes the corner at cut * turn / 4.
        (4.0 * deviation / turn).min(self.longest_cut(corner))
    }

    fn longest_cut(&self, corner: usize) -> f64 {
        let before = if corner == 0 { 0.9 } else { 0.5 } * self.legs[corner].length;
        let is_last = corner + 1 == self.corners();
        before.min(if is_last { 0.9 } else { 0.5 } * self.legs[corner + 1].length)
    }
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

fn without_repeats(waypoints: &[Vec<f64>], corner_deviation: &[f64]) -> (Vec<Vec<f64>>, Vec<f64>) {
    let mut points = vec![waypoints[0].clone()];
    let mut deviations = Vec::with_capacity(corner_deviation.len());
    for (i, waypoint) in waypoints.iter().enumerate().skip(1) {
        if distance(&points[points.len() - 1], waypoint) > SAME_POINT {
            points.push(waypoint.clone());
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

    fn blend(waypoints: &[Vec<f64>], deviations: &[f64]) -> Vec<Section> {
        let (polyline, deviations) = Polyline::new(waypoints, deviations).unwrap();
        polyline.sections(&deviations)
    }

    #[test]
    fn a_right_angle_is_passed_at_the_stated_deviation() {
        let waypoints = vec![vec![0.0, 0.0], vec![1.0, 0.0], vec![1.0, 1.0]];
        let sections = blend(&waypoints, &[0.05]);
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
        let sections = blend(&waypoints, &[0.0, 0.0]);
        assert_eq!(sections.len(), 2);
        assert_eq!(sections[0].end, [2.0, 0.0]);
    }

    #[test]
    fn repeated_waypoints_are_one() {
        let waypoints = vec![vec![0.0], vec![0.0], vec![1.0], vec![1.0]];
        let sections = blend(&waypoints, &[0.0, 0.0]);
        assert_eq!(sections.len(), 1);
        assert!(blend(&[vec![1.0], vec![1.0]], &[]).is_empty());
    }
}
