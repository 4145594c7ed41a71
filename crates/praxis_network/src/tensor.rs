//! Dense `f32` tensors: borrowed views in, owned tensors out.

use crate::NetworkError;

/// A borrowed dense tensor in row-major order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TensorView<'a> {
    shape: &'a [usize],
    values: &'a [f32],
}

/// An owned dense tensor in row-major order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl<'a> TensorView<'a> {
    /// A view of `values` with the given shape.
    ///
    /// # Errors
    /// When the product of the shape is not the number of values.
    pub fn new(shape: &'a [usize], values: &'a [f32]) -> Result<Self, NetworkError> {
        check_length(shape, values.len())?;
        Ok(Self { shape, values })
    }

    /// Sizes of the axes, slowest first.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// The values, last axis fastest.
    pub fn values(&self) -> &'a [f32] {
        self.values
    }
}

impl Tensor {
    /// A tensor that owns `values`.
    ///
    /// # Errors
    /// When the product of the shape is not the number of values.
    pub fn new(shape: Vec<usize>, values: Vec<f32>) -> Result<Self, NetworkError> {
        check_length(&shape, values.len())?;
        Ok(Self { shape, values })
    }

    /// A tensor of zeros.
    pub fn zeros(shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), values: vec![0.0; shape.iter().product()] }
    }

    /// Sizes of the axes, slowest first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values, last axis fastest.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The values, to be written in place.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The tensor as a borrowed view.
    pub fn view(&self) -> TensorView<'_> {
        TensorView { shape: &self.shape, values: &self.values }
    }
}

fn check_length(shape: &[usize], found: usize) -> Result<(), NetworkError> {
    let expected = shape.iter().try_fold(1usize, |product, &axis| product.checked_mul(axis));
    if expected == Some(found) {
        Ok(())
    } else {
        Err(NetworkError::TensorLength { shape: shape.to_vec(), found })
    }
}
