use nalgebra::{Dyn, OMatrix, Translation3, U6, UnitQuaternion};
use praxis_geometry::Pose;

use crate::robot::{Link, Motion, Robot};

impl Link {
    /// Pose in the parent link at a state.
    pub fn parent_from_link(&self, q: &[f64]) -> Pose {
        match self.motion {
            Motion::Fixed => self.parent_from_joint,
            Motion::Turn { axis, variable } => {
                self.parent_from_joint * UnitQuaternion::from_axis_angle(&axis, variable.value(q))
            }
            Motion::Slide { axis, variable } => {
                self.parent_from_joint * Translation3::from(axis.into_inner() * variable.value(q))
            }
        }
    }
}

impl Robot {
    /// Pose of every link in the root link, in the order of [`Robot::links`].
    ///
    /// # Panics
    /// If `q` has fewer values than the robot has joints.
    pub fn link_poses(&self, q: &[f64], root_from_link: &mut Vec<Pose>) {
        root_from_link.clear();
        for link in &self.links {
            let parent_from_link = link.parent_from_link(q);
            let pose = match link.parent {
                Some(parent) => root_from_link[parent] * parent_from_link,
                None => parent_from_link,
            };
            root_from_link.push(pose);
        }
    }

    /// Pose of one link in the root link.
    pub fn link_pose(&self, link: usize, q: &[f64]) -> Pose {
        let mut root_from_link = self.links[link].parent_from_link(q);
        let mut above = self.links[link].parent;
        while let Some(parent) = above {
            root_from_link = self.links[parent].parent_from_link(q) * root_from_link;
            above = self.links[parent].parent;
        }
        root_from_link
    }

    /// Velocity of a link's origin (rows 0 to 2) and its rate of turn (rows 3 to 5) in the root
    /// frame, for unit velocity of each of `joints`.
    pub fn jacobian(&self, joints: &[usize], link: usize, q: &[f64]) -> OMatrix<f64, U6, Dyn> {
        let mut poses = Vec::new();
        self.link_poses(q, &mut poses);
        let mut jacobian = OMatrix::<f64, U6, Dyn>::zeros(joints.len());
        let end = poses[link].translation.vector;
        let mut here = Some(link);
        while let Some(index) = here {
            let body = &self.links[index];
            here = body.parent;
            let (Motion::Turn { axis, variable } | Motion::Slide { axis, variable }) = body.motion
            else {
                continue;
            };
            let Some(column) = joints.iter().position(|joint| *joint == variable.index) else {
                continue;
            };
            // Turning about its own axis moves neither the axis nor the joint's origin.
            let axis_in_root = poses[index].rotation * axis.into_inner() * variable.multiplier;
            let mut entry = jacobian.column_mut(column);
            if matches!(body.motion, Motion::Turn { .. }) {
                let arm = end - poses[index].translation.vector;
                let linear = axis_in_root.cross(&arm);
                entry.fixed_rows_mut::<3>(0).zip_apply(&linear, |old, new| *old += new);
                entry.fixed_rows_mut::<3>(3).zip_apply(&axis_in_root, |old, new| *old += new);
            } else {
                entry.fixed_rows_mut::<3>(0).zip_apply(&axis_in_root, |old, new| *old += new);
            }
        }
        jacobian
    }

    /// Yoshikawa's measure: the product of the Jacobian's singular values; 0 at a singularity.
    pub fn manipulability(&self, joints: &[usize], link: usize, q: &[f64]) -> f64 {
        let jacobian = self.jacobian(joints, link, q);
        (&jacobian * jacobian.transpose()).determinant().max(0.0).sqrt()
    }

    /// Joints on the way from `base` down to `tip`; `None` if `tip` does not hang on `base`.
    pub(crate) fn joints_between(&self, base: usize, tip: usize) -> Option<Vec<usize>> {
        let mut joints = Vec::new();
        let mut here = tip;
        while here != base {
            joints.extend(self.joint_above(here));
            here = self.links[here].parent?;
        }
        joints.reverse();
        Some(joints)
    }

    /// The joint between a link and its parent, if it moves on its own.
    pub(crate) fn joint_above(&self, link: usize) -> Option<usize> {
        match self.links[link].motion {
            Motion::Turn { variable, .. } | Motion::Slide { variable, .. }
                if variable.multiplier == 1.0 && !self.is_mimic(link, variable.index) =>
            {
                Some(variable.index)
            }
            _ => None,
        }
    }

    fn is_mimic(&self, link: usize, joint: usize) -> bool {
        self.link_below(joint) != Some(link)
    }

    /// The first link that a joint moves.
    pub(crate) fn link_below(&self, joint: usize) -> Option<usize> {
        self.links.iter().position(|link| match link.motion {
            Motion::Turn { variable, .. } | Motion::Slide { variable, .. } => {
                variable.index == joint
            }
            Motion::Fixed => false,
        })
    }

    /// For each of `joints`, whether it moves the link.
    pub fn moves(&self, joint: usize, link: usize) -> bool {
        let mut here = Some(link);
        while let Some(index) = here {
            match self.links[index].motion {
                Motion::Turn { variable, .. } | Motion::Slide { variable, .. }
                    if variable.index == joint =>
                {
                    return true;
                }
                _ => here = self.links[index].parent,
            }
        }
        false
    }

    /// Origins of the turning axes of a joint, as indices of links whose frame turns about it, and
    /// whether they slide instead.
    pub fn moving_links(&self, joint: usize) -> impl Iterator<Item = (usize, bool)> {
        self.links.iter().enumerate().filter_map(move |(index, link)| match link.motion {
            Motion::Turn { variable, .. } if variable.index == joint => Some((index, false)),
            Motion::Slide { variable, .. } if variable.index == joint => Some((index, true)),
            _ => None,
        })
    }
}
