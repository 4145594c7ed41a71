/// What the collision monitor says of a motion: the loop's part of its verdict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guard {
    /// The motion that was looked at; 0 for none.
    pub motion: u64,
    /// Highest rate that the motion may run at: 1 as planned, 0 standing.
    pub rate: f64,
    /// Whether a threat is nearer than a slow-down can deal with: brake now.
    pub must_brake: bool,
    /// Time since the verdict was given, steady seconds.
    pub age_s: f64,
}

/// Velocities that servoing wants, in the controller's order.
#[derive(Clone, Copy, Debug)]
pub struct ServoWish<'a> {
    /// One a joint.
    pub velocity: &'a [f64],
    /// Time since the input came in that they rest on, steady seconds.
    pub age_s: f64,
}
