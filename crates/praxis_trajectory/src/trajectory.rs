use crate::TrajectoryError;
use crate::error::ensure_finite;
use crate::hermite::{Polynomial, Segment};

/// State that a trajectory passes through. Empty velocity or acceleration means "not given".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Knot {
    /// Time since the start of the trajectory, in seconds.
    pub time_s: f64,
    /// Positions, one a joint.
    pub position: Vec<f64>,
    /// Velocities, one a joint, or empty.
    pub velocity: Vec<f64>,
    /// Accelerations, one a joint, or empty.
    pub acceleration: Vec<f64>,
}

/// State of all joints at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JointSample {
    /// Positions, one a joint.
    pub position: Vec<f64>,
    /// Velocities, one a joint.
    pub velocity: Vec<f64>,
    /// Accelerations, one a joint.
    pub acceleration: Vec<f64>,
}

impl JointSample {
    /// All zero, for `dim` joints.
    pub fn zeros(dim: usize) -> Self {
        Self { position: vec![0.0; dim], velocity: vec![0.0; dim], acceleration: vec![0.0; dim] }
    }

    /// At rest at `position`.
    pub fn at_rest(position: &[f64]) -> Self {
        Self { position: position.to_vec(), ..Self::zeros(position.len()) }
    }

    /// Errors unless all three have `dim` finite values.
    pub fn check(&self, dim: usize) -> Result<(), TrajectoryError> {
        ensure_finite(|| "position".to_owned(), &self.position, dim)?;
        ensure_finite(|| "velocity".to_owned(), &self.velocity, dim)?;
        ensure_finite(|| "acceleration".to_owned(), &self.acceleration, dim)
    }
}

/// Joint motion over time: knots, and Hermite polynomials between them.
///
/// A segment is quintic where both its knots have velocity and acceleration, cubic where both have
/// velocity, linear otherwise (the rule of ros2_controllers' joint_trajectory_controller).
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectory {
    joint_names: Vec<String>,
    times_s: Vec<f64>,
    // Row-major: knot by knot, joint by joint. Absent derivatives are stored as zero.
    positions: Vec<f64>,
    velocities: Vec<f64>,
    accelerations: Vec<f64>,
    // How many derivatives each knot gives: 0, 1 or 2.
    derivatives: Vec<u8>,
}

impl Trajectory {
    /// Checks names, lengths, finiteness and growing times (the first at or after zero).
    pub fn new(joint_names: Vec<String>, knots: &[Knot]) -> Result<Self, TrajectoryError> {
        let mut trajectory = Self::with_capacity(joint_names, knots.len())?;
        for knot in knots {
            trajectory.push(
                knot.time_s,
                &knot.position,
                Some(&knot.velocity).filter(|v| !v.is_empty()).map(Vec::as_slice),
                Some(&knot.acceleration).filter(|a| !a.is_empty()).map(Vec::as_slice),
            )?;
        }
        trajectory.finished()
    }

    pub(crate) fn with_capacity(
        joint_names: Vec<String>,
        knots: usize,
    ) -> Result<Self, TrajectoryError> {
        let dim = joint_names.len();
        if dim == 0 {
            return Err(TrajectoryError::TooFew { what: "joints", got: 0, needed: 1 });
        }
        Ok(Self {
            joint_names,
            times_s: Vec::with_capacity(knots),
            positions: Vec::with_capacity(knots * dim),
            velocities: Vec::with_capacity(knots * dim),
            accelerations: Vec::with_capacity(knots * dim),
            derivatives: Vec::with_capacity(knots),
        })
    }

    pub(crate) fn push(
        &mut self,
        time_s: f64,
        position: &[f64],
        velocity: Option<&[f64]>,
        acceleration: Option<&[f64]>,
    ) -> Result<(), TrajectoryError> {
        let (dim, index) = (self.dim(), self.times_s.len());
        let previous_s = self.times_s.last().copied().unwrap_or(-f64::MIN_POSITIVE);
        if !(time_s.is_finite() && time_s > previous_s) {
            return Err(TrajectoryError::TimeNotGrowing { index, time_s, previous_s });
        }
        ensure_finite(|| format!("position at knot {index}"), position, dim)?;
        if let Some(velocity) = velocity {
            ensure_finite(|| format!("velocity at knot {index}"), velocity, dim)?;
        }
        if let Some(acceleration) = acceleration {
            ensure_finite(|| format!("acceleration at knot {index}"), acceleration, dim)?;
        }
        self.times_s.push(time_s);
        self.positions.extend_from_slice(position);
        let zeros = std::iter::repeat_n(0.0, dim);
        match velocity {
            Some(velocity) => self.velocities.extend_from_slice(velocity),
            None => self.velocities.extend(zeros.clone()),
        }
        match acceleration {
            Some(acceleration) => self.accelerations.extend_from_slice(acceleration),
            None => self.accelerations.extend(zeros),
        }
        self.derivatives.push(match (velocity, acceleration) {
            (None, _) => 0,
            (Some(_), None) => 1,
            (Some(_), Some(_)) => 2,
        });
        Ok(())
    }

    pub(crate) fn finished(self) -> Result<Self, TrajectoryError> {
        if self.times_s.is_empty() {
            return Err(TrajectoryError::TooFew { what: "knots", got: 0, needed: 1 });
        }
        Ok(self)
    }

    /// The motion through some of its knots alone: at least one, by growing index.
    pub(crate) fn through(&self, knots: &[usize]) -> Self {
        let dim = self.dim();
        let rows = |values: &[f64]| {
            knots.iter().flat_map(|&k| &values[k * dim..(k + 1) * dim]).copied().collect()
        };
        Self {
            joint_names: self.joint_names.clone(),
            times_s: knots.iter().map(|&k| self.times_s[k]).collect(),
            positions: rows(&self.positions),
            velocities: rows(&self.velocities),
            accelerations: rows(&self.accelerations),
            derivatives: knots.iter().map(|&k| self.derivatives[k]).collect(),
        }
    }

    /// Names of the joints, in the order of every row.
    pub fn joint_names(&self) -> &[String] {
        &self.joint_names
    }

    /// Number of joints.
    pub fn dim(&self) -> usize {
        self.joint_names.len()
    }

    /// Number of knots, at least one.
    pub fn knot_count(&self) -> usize {
        self.times_s.len()
    }

    /// Time of the last knot, in seconds since the start.
    pub fn duration_s(&self) -> f64 {
        self.times_s[self.times_s.len() - 1]
    }

    /// Knot times in seconds, growing.
    pub fn times_s(&self) -> &[f64] {
        &self.times_s
    }

    /// Positions of knot `index`.
    pub fn position(&self, index: usize) -> &[f64] {
        &self.positions[index * self.dim()..(index + 1) * self.dim()]
    }

    /// Velocities of knot `index`, if it gives them.
    pub fn velocity(&self, index: usize) -> Option<&[f64]> {
        let range = index * self.dim()..(index + 1) * self.dim();
        (self.derivatives[index] >= 1).then(|| &self.velocities[range])
    }

    /// Accelerations of knot `index`, if it gives them.
    pub fn acceleration(&self, index: usize) -> Option<&[f64]> {
        let range = index * self.dim()..(index + 1) * self.dim();
        (self.derivatives[index] >= 2).then(|| &self.accelerations[range])
    }

    /// Positions at the end.
    pub fn last_position(&self) -> &[f64] {
        self.position(self.knot_count() - 1)
    }

    /// The knots one by one, copied out.
    pub fn knots(&self) -> impl Iterator<Item = Knot> + '_ {
        (0..self.knot_count()).map(|index| Knot {
            time_s: self.times_s[index],
            position: self.position(index).to_vec(),
            velocity: self.velocity(index).unwrap_or_default().to_vec(),
            acceleration: self.acceleration(index).unwrap_or_default().to_vec(),
        })
    }

    /// State at `time_s`: the first knot's position before the start, at rest at the end after it.
    pub fn sample(&self, time_s: f64) -> JointSample {
        let mut sample = JointSample::zeros(self.dim());
        self.sample_into(time_s, &mut 0, &mut sample);
        sample
    }

    /// Like [`Self::sample`] without allocating; `cursor` remembers the segment, so that sampling
    /// forward in time is constant work. A cursor of zero is always right.
    pub fn sample_into(&self, time_s: f64, cursor: &mut usize, out: &mut JointSample) {
        let (dim, last) = (self.dim(), self.knot_count() - 1);
        out.position.resize(dim, 0.0);
        out.velocity.resize(dim, 0.0);
        out.acceleration.resize(dim, 0.0);
        // NaN counts as "before the start": a hold.
        let outside = if time_s >= self.times_s[last] {
            Some(last)
        } else if time_s >= self.times_s[0] {
            None
        } else {
            Some(0)
        };
        if let Some(index) = outside {
            *cursor = index;
            out.position.copy_from_slice(self.position(index));
            out.velocity.fill(0.0);
            out.acceleration.fill(0.0);
            return;
        }
        *cursor = self.segment_at(time_s, *cursor);
        let (from, to) = (*cursor, *cursor + 1);
        let elapsed_s = time_s - self.times_s[from];
        for joint in 0..dim {
            let [position, velocity, acceleration] =
                self.polynomial(from, to, joint).state(elapsed_s);
            out.position[joint] = position;
            out.velocity[joint] = velocity;
            out.acceleration[joint] = acceleration;
        }
    }

    /// One joint from one knot straight to a later one, as if there was none between; the time of the
    /// first is its zero.
    pub(crate) fn polynomial(&self, from: usize, to: usize, joint: usize) -> Polynomial {
        let state = |knot: usize| {
            let k = knot * self.dim() + joint;
            [self.positions[k], self.velocities[k], self.accelerations[k]]
        };
        let segment = Segment {
            duration_s: self.times_s[to] - self.times_s[from],
            start: state(from),
            end: state(to),
        };
        Polynomial::of(&segment, self.derivatives[from].min(self.derivatives[to]))
    }

    /// Index of the segment that holds `time_s` (inside the trajectory), near `guess` if it can be.
    fn segment_at(&self, time_s: f64, guess: usize) -> usize {
        let holds = |index: usize| {
            index + 1 < self.times_s.len()
                && self.times_s[index] <= time_s
                && time_s < self.times_s[index + 1]
        };
        if holds(guess) {
            guess
        } else if holds(guess + 1) {
            guess + 1
        } else {
            self.times_s.partition_point(|&t| t <= time_s) - 1
        }
    }
}
