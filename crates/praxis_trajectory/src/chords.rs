use crate::blended_path::distance;
use crate::{JointLimits, JointSample, Trajectory};

/// A motion is checked as chords that it leaves by less than this, in joint space (L2): half a
/// millimetre a metre from the joint that turns.
const CHORD_DEVIATION: f64 = 5e-4;

/// The first chord of a motion within limits that is not free, nothing if all of it is: it is looked
/// at in chords that it leaves by less than 0.5 mrad, as long as its curvature lets them be.
///
/// `edge_is_free` says whether all of a straight line from one configuration to another is free.
///
/// ```
/// # use praxis_trajectory::{JointLimit, JointLimits, first_blocked_chord, time_path};
/// let limits = JointLimits::new(vec![JointLimit::new(1.0, 2.0, 10.0); 2])?;
/// let names = vec!["a".to_owned(), "b".to_owned()];
/// let motion = time_path(names, &[vec![0.0, 0.0], vec![1.0, 2.0]], &limits, 0.0)?;
/// let [from, to] = first_blocked_chord(&motion, &limits, |_, to| to[0] < 0.5).unwrap();
/// assert!(from[0] < 0.5 && to[0] >= 0.5);
/// # Ok::<(), praxis_trajectory::TrajectoryError>(())
/// ```
pub fn first_blocked_chord(
    motion: &Trajectory,
    limits: &JointLimits,
    mut edge_is_free: impl FnMut(&[f64], &[f64]) -> bool,
) -> Option<[Vec<f64>; 2]> {
    let step_s = sampling_step_s(limits);
    Walker::new(motion).first_blocked(0.0, motion.duration_s(), step_s, &mut edge_is_free)
}

/// Time in which no motion within limits leaves its chord by more than half of
/// [`CHORD_DEVIATION`]: it leaves it by `acceleration time² / 8` at most.
pub(crate) fn sampling_step_s(limits: &JointLimits) -> f64 {
    let squared: f64 = limits.joints().iter().map(|limit| limit.acceleration.powi(2)).sum();
    (4.0 * CHORD_DEVIATION / squared.sqrt()).sqrt()
}

/// Walks along a motion in chords as long as its curvature lets them be.
pub(crate) struct Walker<'a> {
    motion: &'a Trajectory,
    cursor: usize,
    sample: JointSample,
}

impl<'a> Walker<'a> {
    pub(crate) fn new(motion: &'a Trajectory) -> Self {
        Self { motion, cursor: 0, sample: JointSample::zeros(motion.dim()) }
    }

    /// The first chord between two times that is not free.
    pub(crate) fn first_blocked(
        &mut self,
        start_s: f64,
        end_s: f64,
        step_s: f64,
        edge_is_free: &mut impl FnMut(&[f64], &[f64]) -> bool,
    ) -> Option<[Vec<f64>; 2]> {
        let steps = ((end_s - start_s) / step_s).ceil().max(1.0);
        let mut at = |step: f64| {
            let time_s = start_s + step / steps * (end_s - start_s);
            self.motion.sample_into(time_s, &mut self.cursor, &mut self.sample);
            self.sample.position.clone()
        };
        let mut chord = Chord::new(at(0.0), at(1.0));
        for step in 2..=steps as usize {
            let next = at(step as f64);
            if chord.reaches(&next) {
                chord.to = next;
            } else if edge_is_free(&chord.from, &chord.to) {
                chord = Chord::new(chord.to, next);
            } else {
                return Some([chord.from, chord.to]);
            }
        }
        (!edge_is_free(&chord.from, &chord.to)).then_some([chord.from, chord.to])
    }
}

/// Line between two points of a curve.
struct Chord {
    from: Vec<f64>,
    to: Vec<f64>,
    /// Unit direction in which the curve sets out.
    direction: Vec<f64>,
}

impl Chord {
    fn new(from: Vec<f64>, to: Vec<f64>) -> Self {
        let direction = unit(&from, &to);
        Self { from, to, direction }
    }

    /// Whether the curve on to `next` stays near the line: one that turns by an angle in all is
    /// inside the triangle of that angle over its chord, whose height is at most
    /// `length tan(angle / 2) / 2`.
    fn reaches(&self, next: &[f64]) -> bool {
        let turn = distance(&self.direction, &unit(&self.to, next));
        0.25 * turn * distance(&self.from, next) <= 0.5 * CHORD_DEVIATION
    }
}

fn unit(from: &[f64], to: &[f64]) -> Vec<f64> {
    let length = distance(from, to).max(f64::MIN_POSITIVE);
    from.iter().zip(to).map(|(a, b)| (b - a) / length).collect()
}
