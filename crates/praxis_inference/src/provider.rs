//! Execution providers by name: what computes the network.

use ort::ep::{self, ExecutionProviderDispatch};

use crate::LoadError;

/// The providers that this build knows, best first.
pub fn known_providers() -> &'static [&'static str] {
    if cfg!(feature = "cuda") { &["cuda", "cpu"] } else { &["cpu"] }
}

/// The provider of that name; its registration fails loudly.
pub(crate) fn provider(name: &str) -> Result<ExecutionProviderDispatch, LoadError> {
    let dispatch = match name {
        "cpu" => ep::CPU::default().build(),
        #[cfg(feature = "cuda")]
        "cuda" => ep::CUDA::default().build(),
        _ => {
            return Err(LoadError::UnknownProvider {
                name: name.to_owned(),
                known: known_providers().join(", "),
            });
        }
    };
    Ok(dispatch.error_on_failure())
}
