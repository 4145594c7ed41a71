use praxis_geometry::Pose;

/// Poses that the tool is to reach, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct ReachGoals {
    /// Poses of the tool link.
    pub world_from_tool: Vec<Pose>,
    /// How far from the position still counts, metres.
    pub position_tolerance_m: f64,
    /// How far from the orientation still counts, radians.
    pub rotation_tolerance_rad: f64,
}

/// Counts poses in their order: one is reached when the arm rests there.
#[derive(Clone, Debug)]
pub(crate) struct ReachJudge {
    goals: ReachGoals,
    reached: usize,
}

impl ReachJudge {
    pub(crate) fn new(goals: ReachGoals) -> Self {
        Self { goals, reached: 0 }
    }

    pub(crate) fn total(&self) -> usize {
        self.goals.world_from_tool.len()
    }

    /// How many poses have been reached so far.
    pub(crate) fn reached(&self) -> usize {
        self.reached
    }

    /// Looks at the tool and tells how many poses have been reached so far.
    pub(crate) fn observe(&mut self, world_from_tool: &Pose, is_at_rest: bool) -> usize {
        if let Some(goal) = self.goals.world_from_tool.get(self.reached)
            && is_at_rest
            && self.is_at(goal, world_from_tool)
        {
            self.reached += 1;
        }
        self.reached
    }

    fn is_at(&self, goal: &Pose, tool: &Pose) -> bool {
        let off = goal.inverse() * tool;
        off.translation.vector.norm() <= self.goals.position_tolerance_m
            && off.rotation.angle() <= self.goals.rotation_tolerance_rad
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poses_count_in_their_order_and_only_at_rest() {
        let at = |x_m: f64| Pose::translation(x_m, 0.0, 0.0);
        let mut judge = ReachJudge::new(ReachGoals {
            world_from_tool: vec![at(0.1), at(0.2)],
            position_tolerance_m: 0.005,
            rotation_tolerance_rad: 0.02,
        });
        assert_eq!(judge.observe(&at(0.2), true), 0, "the second one first");
        assert_eq!(judge.observe(&at(0.1), false), 0, "passing by");
        assert_eq!(judge.observe(&at(0.106), true), 0, "6 mm off");
        assert_eq!(judge.observe(&at(0.104), true), 1);
        let turned = at(0.2) * nalgebra::UnitQuaternion::from_euler_angles(0.0, 0.03, 0.0);
        assert_eq!(judge.observe(&turned, true), 1, "turned away");
        assert_eq!(judge.observe(&at(0.2), true), 2);
        assert_eq!(judge.observe(&at(0.2), true), judge.total());
    }
}
