//! A network run by ONNX Runtime.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ort::environment::Environment;
use ort::session::{NoSelectedOutputs, RunOptions, Session, SessionInputValue};
use ort::value::{Outlet, TensorRef, ValueType};
use praxis_network::{Card, Network, NetworkError, Outputs, Tensor, TensorSpec, TensorView};

use crate::LoadError;
use crate::provider::provider;
use crate::runtime::environment;
use crate::watchdog::Watchdog;

/// How a network is to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct InferenceConfig {
    /// The library `libonnxruntime.so`.
    pub library: PathBuf,
    /// Providers by name; the first that works is used.
    pub providers: Vec<String>,
    /// Threads that share one run.
    pub intra_op_threads: usize,
}

/// A provider that was asked for and did not come up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedProvider {
    /// Its name.
    pub name: String,
    /// What the runtime said.
    pub reason: String,
}

/// A network run by ONNX Runtime.
pub struct OrtNetwork {
    session: Session,
    inputs: Vec<TensorSpec>,
    outputs: Vec<TensorSpec>,
    provider: String,
    skipped: Vec<SkippedProvider>,
    options: Arc<RunOptions<NoSelectedOutputs>>,
    watchdog: Watchdog,
}

impl OrtNetwork {
    /// Loads the card's model, checks it against the card and warms it up.
    ///
    /// # Errors
    /// When library, model or provider cannot be loaded, or card and network do not fit.
    pub fn load(card: &Card, config: &InferenceConfig) -> Result<Self, LoadError> {
        let mut network = Self::load_model(&card.model, config)?;
        let path = || card.model.clone();
        card.check_network(&network.inputs, &network.outputs)
            .map_err(|source| LoadError::CardMismatch { path: path(), source })?;
        network.warm_up(card).map_err(|source| LoadError::CardMismatch { path: path(), source })?;
        Ok(network)
    }

    /// Loads a model without a card.
    ///
    /// # Errors
    /// When library, model or provider cannot be loaded.
    pub fn load_model(model: &Path, config: &InferenceConfig) -> Result<Self, LoadError> {
        let environment = environment(&config.library)?;
        let failed = |reason: String| LoadError::Model { path: model.to_path_buf(), reason };
        let bytes = std::fs::read(model).map_err(|error| failed(error.to_string()))?;
        let mut skipped = Vec::new();
        let asked = if config.providers.is_empty() {
            vec!["cpu".to_owned()]
        } else {
            config.providers.clone()
        };
        for name in asked {
            match open_session(&environment, &bytes, &name, config.intra_op_threads)? {
                Ok(session) => return Self::new(session, name, skipped).map_err(failed),
                Err(reason) => skipped.push(SkippedProvider { name, reason }),
            }
        }
        let reasons: Vec<String> =
            skipped.iter().map(|skip| format!("{}: {}", skip.name, skip.reason)).collect();
        Err(failed(reasons.join("; ")))
    }

    /// Providers that were asked for before the one in use and did not come up.
    pub fn skipped_providers(&self) -> &[SkippedProvider] {
        &self.skipped
    }

    fn new(
        session: Session,
        provider: String,
        skipped: Vec<SkippedProvider>,
    ) -> Result<Self, String> {
        let options = Arc::new(RunOptions::new().map_err(|error| error.to_string())?);
        let watchdog = Watchdog::over(Arc::clone(&options)).map_err(|error| error.to_string())?;
        let inputs = session.inputs().iter().map(spec).collect();
        let outputs = session.outputs().iter().map(spec).collect();
        Ok(Self { session, inputs, outputs, provider, skipped, options, watchdog })
    }

    /// One run on zeros: allocates what later runs need and shows the real output shapes.
    fn warm_up(&mut self, card: &Card) -> Result<(), NetworkError> {
        let colour = Tensor::zeros(&card.input.shape());
        let depth = Tensor::zeros(&card.input.depth_shape());
        let mut inputs = vec![(card.input.name.as_str(), colour.view())];
        inputs.extend(card.input.depth.as_deref().map(|name| (name, depth.view())));
        let outputs = self.run(&inputs, None)?;
        card.check_outputs(&outputs)
    }

    fn check_inputs(&self, inputs: &[(&str, TensorView<'_>)]) -> Result<(), NetworkError> {
        let names = || self.inputs.iter().map(|spec| spec.name.clone()).collect();
        for (name, tensor) in inputs {
            let spec = self.inputs.iter().find(|spec| spec.name == *name).ok_or_else(|| {
                NetworkError::MissingInput { name: (*name).to_owned(), found: names() }
            })?;
            if !spec.accepts(tensor.shape()) {
                return Err(NetworkError::Shape {
                    name: (*name).to_owned(),
                    found: format!("{:?}", tensor.shape()),
                    expected: spec.shape_text(),
                });
            }
        }
        Ok(())
    }
}

impl Network for OrtNetwork {
    fn inputs(&self) -> &[TensorSpec] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorSpec] {
        &self.outputs
    }

    fn provider(&self) -> &str {
        &self.provider
    }

    fn run(
        &mut self,
        inputs: &[(&str, TensorView<'_>)],
        time_limit: Option<Duration>,
    ) -> Result<Outputs, NetworkError> {
        self.check_inputs(inputs)?;
        let mut values: Vec<(String, SessionInputValue<'_>)> = Vec::with_capacity(inputs.len());
        for (name, tensor) in inputs {
            let value = TensorRef::from_array_view((tensor.shape(), tensor.values()))
                .map_err(|error| failed("passing the input", &error))?;
            values.push(((*name).to_owned(), value.into()));
        }
        let started = Instant::now();
        if let Some(limit) = time_limit {
            self.watchdog.arm(limit);
        }
        let result = self.session.run_with_options(values, &*self.options);
        if self.watchdog.disarm() {
            // The flag sticks, so the next run would end at once.
            self.options.unterminate().map_err(|error| failed("resetting", &error))?;
        }
        match result {
            Ok(outputs) => copied(&outputs),
            Err(_) if time_limit.is_some_and(|limit| started.elapsed() >= limit) => {
                Err(NetworkError::TimeLimit { limit: time_limit.unwrap_or_default() })
            }
            Err(error) => Err(failed("running", &error)),
        }
    }
}

fn copied(outputs: &ort::session::SessionOutputs<'_>) -> Result<Outputs, NetworkError> {
    let mut tensors = Vec::with_capacity(outputs.len());
    for (name, value) in outputs.iter() {
        let (shape, values) = value
            .try_extract_tensor::<f32>()
            .map_err(|error| failed("reading the outputs", &error))?;
        let shape = shape.iter().map(|&axis| usize::try_from(axis).unwrap_or(0)).collect();
        tensors.push((name.to_owned(), Tensor::new(shape, values.to_vec())?));
    }
    Ok(Outputs::new(tensors))
}

/// A session on one provider: an outer error is final, an inner one lets the next have a try.
fn open_session(
    environment: &Environment,
    model: &[u8],
    name: &str,
    intra_op_threads: usize,
) -> Result<Result<Session, String>, LoadError> {
    let provider = provider(name)?;
    let open = || -> Result<Session, String> {
        let text = |error: ort::Error<_>| error.to_string();
        let mut builder = Session::builder(environment)
            .map_err(|error| error.to_string())?
            .with_intra_threads(intra_op_threads.max(1))
            .map_err(text)?
            .with_inter_threads(1)
            .map_err(text)?
            .with_intra_op_spinning(false)
            .map_err(text)?
            .with_inter_op_spinning(false)
            .map_err(text)?
            .with_execution_providers([provider])
            .map_err(text)?;
        if name != "cpu" {
            builder = builder.with_disable_cpu_fallback().map_err(text)?;
        }
        builder.commit_from_memory(model).map_err(|error| error.to_string())
    };
    Ok(open())
}

fn spec(outlet: &Outlet) -> TensorSpec {
    let name = outlet.name().to_owned();
    match outlet.dtype() {
        ValueType::Tensor { ty, shape, .. } => TensorSpec {
            name,
            shape: shape.iter().map(|&axis| usize::try_from(axis).ok()).collect(),
            element: ty.to_string(),
        },
        other => TensorSpec { name, shape: Vec::new(), element: other.to_string() },
    }
}

fn failed(action: &str, error: &dyn std::fmt::Display) -> NetworkError {
    NetworkError::Runtime { action: action.to_owned(), reason: error.to_string() }
}
