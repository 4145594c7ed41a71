//! Transforms as ROS tells them.

use std::sync::{Arc, RwLock};

use praxis_geometry::{Pose, Stamp};
pub use praxis_transforms::{TransformError, TransformHistory};
use r2r::geometry_msgs::msg::TransformStamped;
use r2r::tf2_msgs::msg::TFMessage;

use crate::convert::{FromMsg, ToMsg};
use crate::error::RosError;
use crate::node::Node;
use crate::topics;

/// Transforms as heard on `/tf` and `/tf_static`, readable from any thread.
#[derive(Clone, Default)]
pub struct TfBuffer(Arc<RwLock<TransformHistory>>);

impl TfBuffer {
    /// Pose of `source` in `target` at a moment; the newest common one if `stamp` is zero.
    pub fn target_from_source(
        &self,
        target: &str,
        source: &str,
        stamp: Stamp,
    ) -> Result<Pose, TransformError> {
        let history = self.0.read().unwrap_or_else(|broken| broken.into_inner());
        history.target_from_source(target, source, stamp)
    }

    fn take(&self, message: &TFMessage, is_static: bool) {
        let mut history = self.0.write().unwrap_or_else(|broken| broken.into_inner());
        for transform in &message.transforms {
            match Pose::from_msg(&transform.transform) {
                Ok(pose) => {
                    let stamp = Stamp::from_msg(&transform.header.stamp).unwrap_or(Stamp::ZERO);
                    let parent = transform.header.frame_id.trim_start_matches('/');
                    let child = transform.child_frame_id.trim_start_matches('/');
                    history.insert(parent, child, stamp, pose, is_static);
                }
                Err(error) => {
                    tracing::warn!(child = %transform.child_frame_id, %error, "transform left out");
                }
            }
        }
    }
}

impl Node {
    /// Listens to transforms.
    pub fn tf_buffer(&mut self) -> Result<TfBuffer, RosError> {
        let buffer = TfBuffer::default();
        let ours = buffer.clone();
        self.listen_to(&topics::TF, move |message| ours.take(&message, false))?;
        let ours = buffer.clone();
        self.listen_to(&topics::TF_STATIC, move |message| ours.take(&message, true))?;
        Ok(buffer)
    }
}

/// A transform as a message.
pub fn transform_stamped(
    parent: &str,
    child: &str,
    stamp: Stamp,
    parent_from_child: &Pose,
) -> TransformStamped {
    let mut message = TransformStamped {
        child_frame_id: child.to_owned(),
        transform: parent_from_child.to_msg(),
        ..TransformStamped::default()
    };
    message.header.frame_id = parent.to_owned();
    message.header.stamp = stamp.to_msg();
    message
}
