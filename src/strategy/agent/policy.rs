//! One session of a model: its input tensors, its recurrent state, its last outputs.
//!
//! Knows nothing of bars, columns or targets. Tensors are made once and written in place; a
//! recurrent state goes from output to input without a copy.

use ort::session::{Session, SessionInputValue};
use ort::value::{DynValue, Outlet, Tensor, TensorElementType, ValueType};

use super::meta::{Dim, TensorSpec};
use super::runtime::Engine;
use super::wiring::{StateWire, Wiring};

/// Why a graph cannot be run, or was not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The engine refuses the file.
    #[error("the engine cannot open the model: {0}")]
    Open(String),
    /// The graph has other tensors than described.
    #[error("graph {side}s are {graph:?}, io.{side}s says {described:?}")]
    Names {
        /// `input` or `output`.
        side: &'static str,
        /// Names in the graph.
        graph: Vec<String>,
        /// Names in `meta.json`.
        described: Vec<String>,
    },
    /// A tensor has another shape or element type than described.
    #[error("graph {side} {name:?} is {graph}, io.{side}s says {described}")]
    Shape {
        /// `input` or `output`.
        side: &'static str,
        /// Name of the tensor.
        name: String,
        /// Type and shape in the graph.
        graph: String,
        /// Type and shape in `meta.json`.
        described: String,
    },
    /// A run failed.
    #[error("model run failed: {0}")]
    Run(String),
    /// An output is NaN or infinite.
    #[error("model output {0:?} is not finite")]
    NonFinite(String),
}

/// A recurrent state: its place among the inputs and the name of the output that replaces it.
struct State {
    input: usize,
    output: String,
}

/// A model that is ready to run with a batch of 1.
///
/// The state is always finite: a run with an output that is not leaves it as it was.
pub struct Policy {
    session: Session,
    /// In the session's own order, so that no names are looked up.
    inputs: Vec<SessionInputValue<'static>>,
    obs: usize,
    episode_starts: Option<usize>,
    states: Vec<State>,
    /// Places of logits and value among the outputs.
    logits_at: usize,
    value_at: usize,
    logits: Vec<f32>,
    value: f32,
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy")
            .field("logits", &self.logits)
            .finish_non_exhaustive()
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` hands over"
)]
fn run_error(error: ort::Error) -> PolicyError {
    PolicyError::Run(error.to_string())
}

fn zeros(shape: &[i64]) -> Result<SessionInputValue<'static>, PolicyError> {
    let n: i64 = shape.iter().product();
    let zeros = vec![0.0_f32; usize::try_from(n).unwrap_or(0)];
    let tensor = Tensor::from_array((shape.to_vec(), zeros)).map_err(run_error)?;
    Ok(tensor.into_dyn().into())
}

/// The numbers of an input of ours.
fn numbers<'a>(value: &'a mut SessionInputValue<'static>) -> &'a mut [f32] {
    let SessionInputValue::Owned(value) = value else {
        unreachable!("every input is owned: made by `zeros` or taken from the outputs")
    };
    let (_, numbers) = value
        .try_extract_tensor_mut()
        .expect("inputs are f32 tensors: made so, or checked before they were stored");
    numbers
}

fn output<'a>(value: &'a DynValue, name: &str) -> Result<&'a [f32], PolicyError> {
    let (_, numbers) = value.try_extract_tensor::<f32>().map_err(run_error)?;
    if numbers.iter().all(|x| x.is_finite()) {
        Ok(numbers)
    } else {
        Err(PolicyError::NonFinite(name.to_owned()))
    }
}

impl Policy {
    /// Opens a model and compares its graph with the description.
    pub(super) fn open(engine: &Engine, wiring: &Wiring, onnx: &[u8]) -> Result<Self, PolicyError> {
        let session = engine
            .open(onnx)
            .map_err(|e| PolicyError::Open(e.to_string()))?;
        check_side("input", session.inputs(), &wiring.inputs)?;
        check_side("output", session.outputs(), &wiring.outputs)?;
        let mut inputs = Vec::new();
        for outlet in session.inputs() {
            let state = |s: &&StateWire| s.input == outlet.name();
            inputs.push(match wiring.states.iter().find(state) {
                Some(state) => zeros(&state.shape)?,
                None if outlet.name() == wiring.obs => zeros(&[1, wiring.obs_len])?,
                None => zeros(&[1])?,
            });
        }
        let place = |outlets: &[Outlet], name: &str| {
            outlets
                .iter()
                .position(|outlet| outlet.name() == name)
                .expect("graph and description have the same names: checked above")
        };
        let input = |name: &str| place(session.inputs(), name);
        let policy = Self {
            obs: input(&wiring.obs),
            episode_starts: wiring.episode_starts.as_deref().map(input),
            states: wiring
                .states
                .iter()
                .map(|state| State {
                    input: input(&state.input),
                    output: state.output.clone(),
                })
                .collect(),
            logits_at: place(session.outputs(), &wiring.logits),
            value_at: place(session.outputs(), &wiring.value),
            logits: vec![0.0; wiring.n_actions],
            value: 0.0,
            session,
            inputs,
        };
        policy.probed()
    }

    /// Runs zeros and ones once: every output must come, in the right width, and be finite.
    fn probed(mut self) -> Result<Self, PolicyError> {
        for fill in [0.0, 1.0] {
            self.observation().fill(fill);
            self.run(true)?;
        }
        self.observation().fill(0.0);
        self.forget();
        Ok(self)
    }

    /// The observation of the next run, to be written in place.
    pub fn observation(&mut self) -> &mut [f32] {
        numbers(&mut self.inputs[self.obs])
    }

    /// Runs the model once; the recurrent state advances by one bar.
    ///
    /// # Errors
    ///
    /// When the engine fails or an output is not finite; the state is then as before.
    pub fn run(&mut self, episode_start: bool) -> Result<(), PolicyError> {
        if let Some(at) = self.episode_starts {
            numbers(&mut self.inputs[at]).fill(if episode_start { 1.0 } else { 0.0 });
        }
        let mut outputs = self.session.run(&self.inputs[..]).map_err(run_error)?;
        let logits = output(&outputs[self.logits_at], "logits")?;
        if logits.len() != self.logits.len() {
            let (found, wanted) = (logits.len(), self.logits.len());
            return Err(PolicyError::Run(format!("{found} logits, not {wanted}")));
        }
        let value = output(&outputs[self.value_at], "value")?;
        let value = value.first().copied().unwrap_or(0.0);
        for state in &self.states {
            let missing = || PolicyError::Run(format!("output {:?} is missing", state.output));
            let next = outputs.get(&state.output).ok_or_else(missing)?;
            let next = output(next, &state.output)?.len();
            if next != numbers(&mut self.inputs[state.input]).len() {
                return Err(PolicyError::Run(format!(
                    "output {:?} has {next} numbers",
                    state.output
                )));
            }
        }
        // Nothing can fail any more: the old state may go.
        self.logits.copy_from_slice(logits);
        self.value = value;
        for state in &self.states {
            if let Some(next) = outputs.remove(&state.output) {
                self.inputs[state.input] = next.into();
            }
        }
        Ok(())
    }

    /// Runs the session on the inputs as they are and throws the outputs away: the bare cost of
    /// the engine, for measurements.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn run_bare(&mut self) -> Result<(), PolicyError> {
        self.session
            .run(&self.inputs[..])
            .map(drop)
            .map_err(run_error)
    }

    /// Writes zeros over the recurrent state: `episode_starts` alone would keep a NaN.
    pub fn forget(&mut self) {
        for state in &self.states {
            numbers(&mut self.inputs[state.input]).fill(0.0);
        }
    }

    /// Logits of the last run.
    #[must_use]
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// Value of the last run; information only.
    #[must_use]
    pub fn value(&self) -> f32 {
        self.value
    }
}

fn check_side(
    side: &'static str,
    outlets: &[Outlet],
    specs: &[TensorSpec],
) -> Result<(), PolicyError> {
    let mut graph: Vec<String> = outlets.iter().map(|o| o.name().to_owned()).collect();
    let mut described: Vec<String> = specs.iter().map(|spec| spec.name.clone()).collect();
    graph.sort_unstable();
    described.sort_unstable();
    if graph != described {
        return Err(PolicyError::Names {
            side,
            graph,
            described,
        });
    }
    for outlet in outlets {
        let spec = specs.iter().find(|spec| spec.name == outlet.name());
        let spec = spec.expect("both sides have the same names: checked above");
        if !fits(outlet.dtype(), &spec.shape) {
            return Err(PolicyError::Shape {
                side,
                name: spec.name.clone(),
                graph: describe(outlet.dtype()),
                described: format!("f32 {:?}", spec.shape),
            });
        }
    }
    Ok(())
}

/// Whether a graph's tensor has the described shape; a free dimension takes the batch of 1.
fn fits(found: &ValueType, described: &[Dim]) -> bool {
    let ValueType::Tensor { ty, shape, .. } = found else {
        return false;
    };
    *ty == TensorElementType::Float32
        && shape.len() == described.len()
        && shape.iter().zip(described).all(|(found, dim)| match dim {
            Dim::Fixed(n) => found == n,
            Dim::Batch(_) => matches!(found, -1 | 1),
        })
}

fn describe(found: &ValueType) -> String {
    match found {
        ValueType::Tensor { ty, shape, .. } => format!("{ty:?} {:?}", &shape[..]),
        _ => "no tensor".to_owned(),
    }
}
