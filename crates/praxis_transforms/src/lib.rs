//! Transforms over time: who stands where in whom, and when.
//!
//! In: transforms between frames with their stamps, from whoever hears them. Out: the pose of any
//! frame in any other at a moment. Listening is left to others.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use praxis_geometry::{Pose, Stamp};

/// Why a transform cannot be told.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TransformError {
    /// Nobody has published the frame.
    #[error("frame '{frame}' is unknown; known are {known:?}")]
    UnknownFrame {
        /// The frame.
        frame: String,
        /// What there is.
        known: Vec<String>,
    },
    /// No chain of transforms leads from one to the other.
    #[error("no chain of transforms leads from '{from}' to '{to}'")]
    NotConnected {
        /// The one.
        from: String,
        /// The other.
        to: String,
    },
    /// The time asked for lies outside what is remembered.
    #[error("'{frame}' is known from {oldest_s:.3} s to {newest_s:.3} s, not at {asked_s:.3} s")]
    Extrapolation {
        /// The moving frame.
        frame: String,
        /// Oldest stamp.
        oldest_s: f64,
        /// Newest stamp.
        newest_s: f64,
        /// The stamp asked for.
        asked_s: f64,
    },
}

struct Edge {
    parent: String,
    /// Oldest first; a static edge has one entry and holds for ever.
    parent_from_child: VecDeque<(Stamp, Pose)>,
    is_static: bool,
}

/// What has been heard of transforms, for the last ten seconds.
#[derive(Default)]
pub struct TransformHistory {
    edges: HashMap<String, Edge>,
}

const REMEMBERED: Duration = Duration::from_secs(10);
const DEEPEST: usize = 64;

impl TransformHistory {
    /// Remembers one transform. Going back in time by more than is remembered (a new simulation)
    /// forgets what was known of the frame.
    pub fn insert(
        &mut self,
        parent: &str,
        child: &str,
        stamp: Stamp,
        parent_from_child: Pose,
        is_static: bool,
    ) {
        let fresh =
            || Edge { parent: parent.to_owned(), parent_from_child: VecDeque::new(), is_static };
        let edge = self.edges.entry(child.to_owned()).or_insert_with(fresh);
        let newest = edge.parent_from_child.back().map(|(newest, _)| *newest);
        let jumped_back = newest.is_some_and(|newest| stamp + REMEMBERED < newest);
        if is_static || edge.is_static || edge.parent != parent || jumped_back {
            *edge = fresh();
        }
        let at = edge.parent_from_child.partition_point(|(known, _)| *known <= stamp);
        if at > 0 && edge.parent_from_child[at - 1].0 == stamp {
            edge.parent_from_child[at - 1].1 = parent_from_child;
        } else {
            edge.parent_from_child.insert(at, (stamp, parent_from_child));
        }
        let newest = edge.parent_from_child.back().map_or(stamp, |(newest, _)| *newest);
        while edge
            .parent_from_child
            .front()
            .is_some_and(|(oldest, _)| *oldest + REMEMBERED < newest)
        {
            edge.parent_from_child.pop_front();
        }
    }

    /// Pose of `source` in `target` at a moment; the newest common one if `stamp` is zero.
    pub fn target_from_source(
        &self,
        target: &str,
        source: &str,
        stamp: Stamp,
    ) -> Result<Pose, TransformError> {
        let chain_of_source = self.chain(source)?;
        let chain_of_target = self.chain(target)?;
        let common =
            chain_of_source.iter().find(|frame| chain_of_target.contains(frame)).ok_or_else(
                || TransformError::NotConnected { from: source.to_owned(), to: target.to_owned() },
            )?;
        let common_from_source = self.climb(&chain_of_source, common, stamp)?;
        let common_from_target = self.climb(&chain_of_target, common, stamp)?;
        Ok(common_from_target.inverse() * common_from_source)
    }

    /// A frame and all that it stands in, up to the root.
    fn chain(&self, frame: &str) -> Result<Vec<String>, TransformError> {
        let is_parent = |frame: &str| self.edges.values().any(|edge| edge.parent == frame);
        if !self.edges.contains_key(frame) && !is_parent(frame) {
            let mut known: Vec<String> = self.edges.keys().cloned().collect();
            known.sort();
            return Err(TransformError::UnknownFrame { frame: frame.to_owned(), known });
        }
        let mut chain = vec![frame.to_owned()];
        while let Some(edge) = chain.last().and_then(|last| self.edges.get(last))
            && chain.len() < DEEPEST
        {
            chain.push(edge.parent.clone());
        }
        Ok(chain)
    }

    fn climb(&self, chain: &[String], top: &str, stamp: Stamp) -> Result<Pose, TransformError> {
        let mut top_from_frame = Pose::identity();
        for frame in chain.iter().take_while(|frame| *frame != top) {
            top_from_frame = self.edges[frame].at(frame, stamp)? * top_from_frame;
        }
        Ok(top_from_frame)
    }
}

impl Edge {
    fn at(&self, frame: &str, stamp: Stamp) -> Result<Pose, TransformError> {
        let (Some(oldest), Some(newest)) =
            (self.parent_from_child.front(), self.parent_from_child.back())
        else {
            return Err(TransformError::UnknownFrame {
                frame: frame.to_owned(),
                known: Vec::new(),
            });
        };
        if self.is_static || stamp == Stamp::ZERO {
            return Ok(newest.1);
        }
        let after = self.parent_from_child.partition_point(|(known, _)| *known < stamp);
        if stamp < oldest.0 || after == self.parent_from_child.len() {
            return Err(TransformError::Extrapolation {
                frame: frame.to_owned(),
                oldest_s: oldest.0.as_secs_f64(),
                newest_s: newest.0.as_secs_f64(),
                asked_s: stamp.as_secs_f64(),
            });
        }
        let (late, late_pose) = self.parent_from_child[after];
        if late == stamp || after == 0 {
            return Ok(late_pose);
        }
        let (early, early_pose) = self.parent_from_child[after - 1];
        let share = stamp.seconds_since(early) / late.seconds_since(early);
        Ok(Pose::from_parts(
            early_pose.translation.vector.lerp(&late_pose.translation.vector, share).into(),
            early_pose.rotation.slerp(&late_pose.rotation, share),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Stamp {
        Stamp::from_secs_f64(seconds)
    }

    fn history() -> TransformHistory {
        let mut history = TransformHistory::default();
        history.insert("world", "base", at(0.0), Pose::translation(1.0, 0.0, 0.0), true);
        history.insert("base", "hand", at(1.0), Pose::translation(0.0, 0.0, 0.0), false);
        history.insert("base", "hand", at(2.0), Pose::translation(0.0, 2.0, 0.0), false);
        history.insert("world", "camera", at(0.0), Pose::translation(0.0, 0.0, 3.0), true);
        history
    }

    #[test]
    fn moving_frames_are_interpolated_through_the_tree() {
        let camera_from_hand = history().target_from_source("camera", "hand", at(1.5)).unwrap();
        assert_eq!(camera_from_hand.translation.vector.as_slice(), [1.0, 1.0, -3.0]);
        let newest = history().target_from_source("world", "hand", Stamp::ZERO).unwrap();
        assert_eq!(newest.translation.y, 2.0);
    }

    #[test]
    fn what_is_not_known_is_said() {
        let error = history().target_from_source("world", "hand", at(3.0)).unwrap_err();
        assert!(matches!(error, TransformError::Extrapolation { newest_s, .. } if newest_s == 2.0));
        let error = history().target_from_source("world", "moon", at(1.0)).unwrap_err();
        assert!(matches!(error, TransformError::UnknownFrame { .. }));
        let mut two_trees = history();
        two_trees.insert("mars", "rover", at(1.0), Pose::identity(), true);
        let error = two_trees.target_from_source("world", "rover", at(1.0)).unwrap_err();
        assert!(matches!(error, TransformError::NotConnected { .. }));
    }

    #[test]
    fn a_loop_of_frames_ends() {
        let mut history = TransformHistory::default();
        history.insert("a", "b", at(1.0), Pose::identity(), false);
        history.insert("b", "a", at(1.0), Pose::identity(), false);
        assert!(history.target_from_source("a", "b", at(1.0)).is_ok());
    }
}
