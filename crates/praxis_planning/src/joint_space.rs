use crate::{Endpoint, PlanError};

/// How far outside its bounds a start or goal may be without being refused (data from elsewhere is
/// often rounded).
pub const BOUNDS_TOLERANCE: f64 = 1e-5;

/// What a planner asks of the world. `&mut self`, so that an answer may use preallocated buffers.
pub trait JointSpace {
    /// Number of joints.
    fn dim(&self) -> usize;

    /// Lowest and highest position of each joint; samples are drawn between them.
    fn bounds(&self) -> &[(f64, f64)];

    /// Is this configuration free? It has `dim` finite values.
    fn is_free(&mut self, q: &[f64]) -> bool;

    /// Which of up to 32 configurations, one after the other in `qs`, are free? A bit each, the
    /// first one's lowest. A space that answers many at once for less than one after the other
    /// speeds the search up.
    fn free_among(&mut self, qs: &[f64]) -> u32 {
        let dim = self.dim();
        qs.chunks_exact(dim).enumerate().map(|(k, q)| u32::from(self.is_free(q)) << k).sum()
    }

    /// Is every configuration on the straight line from `a` (known to be free) to `b` free?
    fn edge_is_free(&mut self, a: &[f64], b: &[f64]) -> bool;
}

/// Errors unless `q` is a free configuration within bounds.
pub fn check_endpoint(
    space: &mut impl JointSpace,
    which: Endpoint,
    q: &[f64],
) -> Result<(), PlanError> {
    let expected = space.dim();
    if q.len() != expected {
        return Err(PlanError::LengthMismatch { which, got: q.len(), expected });
    }
    for (joint, (&value, &(min, max))) in q.iter().zip(space.bounds()).enumerate() {
        if !value.is_finite() {
            return Err(PlanError::NotFinite { which, joint, value });
        }
        let excess = (min - value).max(value - max);
        if excess > BOUNDS_TOLERANCE {
            return Err(PlanError::OutOfBounds { which, joint, value, excess, min, max });
        }
    }
    if space.is_free(q) { Ok(()) } else { Err(PlanError::NotFree { which }) }
}

/// Joint-space distance between two configurations (L2).
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    squared_distance(a, b).sqrt()
}

pub(crate) fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Sum of the lengths of all edges (L2).
pub fn path_length(path: &[Vec<f64>]) -> f64 {
    path.windows(2).map(|w| distance(&w[0], &w[1])).sum()
}
