//! The model card: everything that differs from one network to the next, in one TOML file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::decode::DecoderCard;
use crate::{FitMode, NetworkError};

/// What stands in `card.toml` beside a `.onnx` file.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Short name, as in `models/networks/<name>`.
    pub name: String,
    /// The network's file, relative to the card.
    pub model: PathBuf,
    /// Licence of the weights, as an SPDX expression.
    pub licence: String,
    /// Where the weights come from.
    pub origin: String,
    /// How a picture becomes the input tensor.
    pub input: InputCard,
    /// How the outputs become detections.
    pub decoder: DecoderCard,
    /// What the network knows, in the order of its outputs.
    pub classes: Vec<ClassCard>,
    /// When a detection counts.
    #[serde(default)]
    pub thresholds: Thresholds,
    /// Measured accuracy, free in form.
    #[serde(default)]
    pub accuracy: toml::Table,
}

/// Order of the input tensor's axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TensorLayout {
    /// Batch, channel, row, column.
    #[default]
    Nchw,
    /// Batch, row, column, channel.
    Nhwc,
}

/// Order of the input tensor's channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ColourOrder {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// How a picture becomes the input tensor: `(byte * scale - mean) / std`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct InputCard {
    /// The input's name in the network.
    pub name: String,
    /// Name of a second input for depth: `[1, 1, height, width]` metres along the optical axis, 0
    /// where unknown.
    #[serde(default)]
    pub depth: Option<String>,
    /// Order of the axes.
    #[serde(default)]
    pub layout: TensorLayout,
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Order of the channels.
    #[serde(default)]
    pub colour: ColourOrder,
    /// How other proportions are laid in.
    #[serde(default)]
    pub fit: FitMode,
    /// Byte value outside the picture.
    #[serde(default)]
    pub pad_value: f32,
    /// Factor on bytes.
    #[serde(default = "one_255th")]
    pub scale: f32,
    /// Subtracted after scaling, per channel of the tensor.
    #[serde(default)]
    pub mean: [f32; 3],
    /// Divided by at last, per channel of the tensor.
    #[serde(default = "ones")]
    pub std: [f32; 3],
}

/// How the footprint of a class looks from above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShapeKind {
    /// A rectangle.
    Box,
    /// A circle.
    Cylinder,
    /// Two bars crossing at right angles.
    Cross,
}

/// One class.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClassCard {
    /// The class's name in messages.
    pub name: String,
    /// The footprint that is fitted to it.
    pub shape: ShapeKind,
    /// Looks alike after this many equal parts of a turn about the vertical; 0: at any yaw.
    pub symmetry_order: u32,
    /// Least score of this class; the common threshold where absent.
    #[serde(default)]
    pub score_threshold: Option<f32>,
}

/// When a detection counts.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Least score.
    pub score: f32,
    /// Two boxes of one class that overlap more than this are one object.
    pub iou: f32,
    /// At most so many detections a picture, best first.
    pub max_detections: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { score: 0.35, iou: 0.5, max_detections: 50 }
    }
}

impl Card {
    /// Reads and checks `card.toml`; `path` is the file or the folder that holds it.
    ///
    /// # Errors
    /// When the file is missing, is not a card, or holds values that make no sense.
    pub fn read(path: &Path) -> Result<Self, NetworkError> {
        let path = if path.is_dir() { path.join("card.toml") } else { path.to_path_buf() };
        let text = std::fs::read_to_string(&path).map_err(|error| {
            NetworkError::CardUnreadable { path: path.clone(), reason: error.to_string() }
        })?;
        let mut card = Self::parse(&text).map_err(|error| match error {
            NetworkError::CardSyntax { reason, .. } => {
                NetworkError::CardSyntax { path: path.clone(), reason }
            }
            other => other,
        })?;
        if let Some(folder) = path.parent() {
            card.model = folder.join(&card.model);
        }
        Ok(card)
    }

    /// Parses and checks the text of a card.
    ///
    /// # Errors
    /// When it is not a card or holds values that make no sense.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let card: Self = toml::from_str(text).map_err(|error| NetworkError::CardSyntax {
            path: PathBuf::from("card.toml"),
            reason: error.to_string(),
        })?;
        card.check()?;
        Ok(card)
    }

    /// Least score at which a detection of this class counts.
    pub fn score_threshold(&self, class: usize) -> f32 {
        let own = self.classes.get(class).and_then(|class| class.score_threshold);
        own.unwrap_or(self.thresholds.score)
    }

    fn check(&self) -> Result<(), NetworkError> {
        self.input.check()?;
        self.decoder.check()?;
        let Thresholds { score, iou, max_detections } = self.thresholds;
        ensure((0.0..=1.0).contains(&score), "thresholds.score", score, "0 to 1")?;
        ensure((0.0..=1.0).contains(&iou), "thresholds.iou", iou, "0 to 1")?;
        ensure(
            (1..=10_000).contains(&max_detections),
            "thresholds.max_detections",
            max_detections,
            "1 to 10000",
        )?;
        ensure(!self.classes.is_empty(), "classes", "empty", "at least one class")?;
        for (index, class) in self.classes.iter().enumerate() {
            let field = |name: &str| format!("classes[{index}].{name}");
            ensure(!class.name.is_empty(), &field("name"), "empty", "a name")?;
            let twice = self.classes[..index].iter().any(|other| other.name == class.name);
            ensure(!twice, &field("name"), &class.name, "a name of its own")?;
            let order = class.symmetry_order;
            ensure(order <= 64, &field("symmetry_order"), order, "0 to 64")?;
            if let Some(own) = class.score_threshold {
                ensure((0.0..=1.0).contains(&own), &field("score_threshold"), own, "0 to 1")?;
            }
        }
        Ok(())
    }
}

impl InputCard {
    /// The input tensor's shape with a batch of one.
    pub fn shape(&self) -> [usize; 4] {
        match self.layout {
            TensorLayout::Nchw => [1, 3, self.height, self.width],
            TensorLayout::Nhwc => [1, self.height, self.width, 3],
        }
    }

    /// The depth input's shape with a batch of one.
    pub fn depth_shape(&self) -> [usize; 4] {
        [1, 1, self.height, self.width]
    }

    fn check(&self) -> Result<(), NetworkError> {
        let sides = 8..=8192;
        ensure(sides.contains(&self.width), "input.width", self.width, "8 to 8192")?;
        ensure(sides.contains(&self.height), "input.height", self.height, "8 to 8192")?;
        ensure(
            self.scale.is_finite() && self.scale > 0.0,
            "input.scale",
            self.scale,
            "a positive number",
        )?;
        ensure(
            (0.0..=255.0).contains(&self.pad_value),
            "input.pad_value",
            self.pad_value,
            "0 to 255",
        )?;
        for channel in 0..3 {
            let (mean, std) = (self.mean[channel], self.std[channel]);
            ensure(mean.is_finite(), "input.mean", mean, "finite numbers")?;
            ensure(std.is_finite() && std > 0.0, "input.std", std, "positive numbers")?;
        }
        Ok(())
    }
}

pub(crate) fn ensure(
    holds: bool,
    field: &str,
    found: impl ToString,
    expected: &str,
) -> Result<(), NetworkError> {
    if holds {
        return Ok(());
    }
    Err(NetworkError::CardValue {
        field: field.to_owned(),
        found: found.to_string(),
        expected: expected.to_owned(),
    })
}

fn one_255th() -> f32 {
    1.0 / 255.0
}

fn ones() -> [f32; 3] {
    [1.0; 3]
}
