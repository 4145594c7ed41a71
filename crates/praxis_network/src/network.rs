//! What a network is to the rest of Praxis: named tensors in, named tensors out.

use std::time::Duration;

use crate::{NetworkError, Tensor, TensorView};

/// Name and shape of one input or output; `None` is an axis of any length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Name inside the network's graph.
    pub name: String,
    /// Sizes of the axes, slowest first.
    pub shape: Vec<Option<usize>>,
    /// Element type in words, such as `f32`.
    pub element: String,
}

impl TensorSpec {
    /// Whether a tensor of this shape fits.
    pub fn accepts(&self, shape: &[usize]) -> bool {
        self.shape.len() == shape.len()
            && self.shape.iter().zip(shape).all(|(spec, &size)| spec.is_none_or(|s| s == size))
    }

    /// The shape in words, `?` standing for an axis of any length: `[1, 3, ?, ?]`.
    pub fn shape_text(&self) -> String {
        let axes: Vec<String> = self
            .shape
            .iter()
            .map(|axis| axis.map_or_else(|| "?".to_owned(), |size| size.to_string()))
            .collect();
        format!("[{}]", axes.join(", "))
    }
}

/// A network that has been loaded and checked.
///
/// The same inputs give the same outputs; how it is computed is the implementation's business.
pub trait Network: Send {
    /// The inputs that [`Network::run`] wants, in order.
    fn inputs(&self) -> &[TensorSpec];

    /// The outputs that [`Network::run`] gives, in order.
    fn outputs(&self) -> &[TensorSpec];

    /// What computes it, in words for people: `CPU`, `CUDA`, …
    fn provider(&self) -> &str;

    /// Runs the network once; ends with [`NetworkError::TimeLimit`] past `time_limit`.
    ///
    /// # Errors
    /// When inputs are missing or misshapen, when the run fails, or when it takes too long.
    fn run(
        &mut self,
        inputs: &[(&str, TensorView<'_>)],
        time_limit: Option<Duration>,
    ) -> Result<Outputs, NetworkError>;
}

/// The named outputs of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outputs {
    tensors: Vec<(String, Tensor)>,
}

impl Outputs {
    /// Outputs in the network's order.
    pub fn new(tensors: Vec<(String, Tensor)>) -> Self {
        Self { tensors }
    }

    /// The output called `name`.
    ///
    /// # Errors
    /// When there is none; the error lists those that there are.
    pub fn get(&self, name: &str) -> Result<TensorView<'_>, NetworkError> {
        self.tensors
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, tensor)| tensor.view())
            .ok_or_else(|| NetworkError::MissingOutput {
                name: name.to_owned(),
                found: self.tensors.iter().map(|(known, _)| known.clone()).collect(),
            })
    }

    /// All outputs with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, TensorView<'_>)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.view()))
    }
}
