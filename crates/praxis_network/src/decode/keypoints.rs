//! One object in a cut-out, told by its keypoints: the corners of the box around it.

use serde::{Deserialize, Serialize};

use super::{Activation, fixed};
use crate::card::ensure;
use crate::{Card, Detection, NetworkError, Outputs, PixelBox, PoseHints, TensorSpec};

/// Middle and eight corners of a box.
pub const BOX_KEYPOINTS: usize = 9;

/// Names and layout of a keypoint network's outputs.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KeypointCard {
    /// Output with x and y of the middle and of the eight corners, `[1, 18]`.
    pub keypoints: String,
    /// Output with one value: how sure the network is that the object is there.
    pub score: String,
    /// What the score is.
    #[serde(default)]
    pub activation: Activation,
    /// Input pixels per unit of the keypoints.
    #[serde(default = "one")]
    pub scale_px: f64,
}

impl KeypointCard {
    pub(super) fn check(&self, card: &Card) -> Result<(), NetworkError> {
        let sound = self.scale_px.is_finite() && self.scale_px > 0.0;
        ensure(sound, "decoder.scale_px", self.scale_px, "a positive number")?;
        let classes = card.classes.len();
        ensure(classes == 1, "classes", classes, "one class: a keypoint network knows one thing")
    }

    pub(super) fn expected_outputs(&self) -> Vec<TensorSpec> {
        vec![fixed(&self.keypoints, &[1, 2 * BOX_KEYPOINTS]), fixed(&self.score, &[1, 1])]
    }

    pub(super) fn decode(
        &self,
        card: &Card,
        outputs: &Outputs,
        least_score: Option<f32>,
    ) -> Result<Vec<Detection>, NetworkError> {
        let score = self.activation.score(outputs.get(&self.score)?.values()[0]);
        if score < least_score.unwrap_or(card.score_threshold(0)) {
            return Ok(Vec::new());
        }
        let values = outputs.get(&self.keypoints)?.values().as_chunks::<2>().0;
        let mut keypoints = [[0.0; 2]; BOX_KEYPOINTS];
        let (mut min_px, mut max_px) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for (keypoint, value) in keypoints.iter_mut().zip(values) {
            *keypoint = value.map(|at| f64::from(at) * self.scale_px);
            for axis in 0..2 {
                min_px[axis] = min_px[axis].min(keypoint[axis]);
                max_px[axis] = max_px[axis].max(keypoint[axis]);
            }
        }
        let hints = PoseHints {
            centre_px: Some(keypoints[0]),
            keypoints_px: Some(keypoints),
            ..PoseHints::default()
        };
        Ok(vec![Detection { class: 0, score, bounds: PixelBox { min_px, max_px }, hints }])
    }
}

fn one() -> f64 {
    1.0
}
