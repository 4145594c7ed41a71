/// An object, whichever, that the fingers are to hold up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PickGoal {
    /// Its lowest point is at least so far above z = 0, metres.
    pub lifted_m: f64,
    /// For so long without a pause, seconds.
    pub held_s: f64,
}

/// Tells when an object has been picked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PickJudge {
    goal: PickGoal,
    since_s: Option<f64>,
    is_picked: bool,
}

impl PickJudge {
    pub(crate) fn new(goal: PickGoal) -> Self {
        Self { goal, since_s: None, is_picked: false }
    }

    /// Takes the height of the held object's lowest point, if one is held; how many have been picked.
    pub(crate) fn observe(&mut self, now_s: f64, held_at_m: Option<f64>) -> usize {
        if held_at_m.is_some_and(|height_m| height_m >= self.goal.lifted_m) {
            let since_s = *self.since_s.get_or_insert(now_s);
            self.is_picked |= now_s - since_s >= self.goal.held_s;
        } else {
            (self.since_s, self.is_picked) = (None, false);
        }
        usize::from(self.is_picked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_held_up_without_a_pause_is_picked() {
        let mut judge = PickJudge::new(PickGoal { lifted_m: 0.05, held_s: 1.0 });
        assert_eq!(judge.observe(0.0, Some(0.06)), 0);
        assert_eq!(judge.observe(0.9, Some(0.04)), 0, "too low");
        assert_eq!(judge.observe(1.0, Some(0.06)), 0);
        assert_eq!(judge.observe(1.9, Some(0.06)), 0, "not yet long enough");
        assert_eq!(judge.observe(2.0, Some(0.06)), 1);
        assert_eq!(judge.observe(2.1, None), 0, "dropped");
    }
}
