//! DETR and its kin, such as RT-DETR: a fixed number of queries, each a box and class scores.

use serde::{Deserialize, Serialize};

use super::{Activation, candidates, fixed};
use crate::card::ensure;
use crate::{Card, Detection, NetworkError, Outputs, PixelBox, PoseHints, TensorSpec};

/// Names and layout of a DETR's outputs.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DetrCard {
    /// Output `[1, queries, 4]`: centre, width and height as shares of the input's sides.
    pub boxes: String,
    /// Output `[1, queries, classes]`.
    pub scores: String,
    /// What the scores are; RT-DETR gives logits.
    #[serde(default)]
    pub activation: Activation,
    /// How many queries there are.
    pub queries: usize,
    /// Classes at the end of each row that are none of the card's, such as DETR's "no object".
    #[serde(default)]
    pub extra_classes: usize,
}

impl DetrCard {
    pub(super) fn check(&self) -> Result<(), NetworkError> {
        ensure(
            (1..=100_000).contains(&self.queries),
            "decoder.queries",
            self.queries,
            "1 to 100000",
        )?;
        let extra = self.extra_classes;
        ensure(extra <= 1000, "decoder.extra_classes", extra, "0 to 1000")
    }

    pub(super) fn expected_outputs(&self, card: &Card) -> Vec<TensorSpec> {
        let columns = card.classes.len() + self.extra_classes;
        vec![
            fixed(&self.boxes, &[1, self.queries, 4]),
            fixed(&self.scores, &[1, self.queries, columns]),
        ]
    }

    pub(super) fn decode(
        &self,
        card: &Card,
        outputs: &Outputs,
        least_score: Option<f32>,
    ) -> Result<Vec<Detection>, NetworkError> {
        let boxes = outputs.get(&self.boxes)?.values().as_chunks::<4>().0;
        let scores = outputs.get(&self.scores)?.values();
        let columns = card.classes.len() + self.extra_classes;
        let input = [card.input.width as f64, card.input.height as f64];
        let mut detections = Vec::new();
        for (shares, row) in boxes.iter().zip(scores.chunks_exact(columns)) {
            let [x, y, width, height] = shares.map(f64::from);
            let bounds = PixelBox {
                min_px: [(x - 0.5 * width) * input[0], (y - 0.5 * height) * input[1]],
                max_px: [(x + 0.5 * width) * input[0], (y + 0.5 * height) * input[1]],
            };
            let score = |class: usize| self.activation.score(row[class]);
            candidates(card, least_score, score, |class, score| {
                detections.push(Detection { class, score, bounds, hints: PoseHints::default() });
            });
        }
        Ok(detections)
    }
}
