//! Which tensor goes where: the description of inputs and outputs, checked and made concrete.
//!
//! Looks at `meta.json` only; whether the graph really is like that is seen when it is opened.

use super::fault::{Fault, shorten};
use super::meta::{Dim, Meta, TensorSpec};

/// Most numbers a single tensor may have.
const MAX_NUMBERS: i64 = 1 << 24;

/// One recurrent state. Shape with a batch of 1; zero at the start of an episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StateWire {
    pub(super) input: String,
    pub(super) output: String,
    pub(super) shape: Vec<i64>,
}

/// The tensors of a graph by their job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wiring {
    pub(super) inputs: Vec<TensorSpec>,
    pub(super) outputs: Vec<TensorSpec>,
    pub(super) obs: String,
    /// Numbers of the observation; its shape is `[1, obs_len]`.
    pub(super) obs_len: i64,
    pub(super) logits: String,
    /// Number of actions; the shape of the logits is `[1, n_actions]`.
    pub(super) n_actions: usize,
    pub(super) value: String,
    pub(super) episode_starts: Option<String>,
    pub(super) states: Vec<StateWire>,
}

impl Wiring {
    /// Checks the description of inputs and outputs.
    ///
    /// # Errors
    ///
    /// When a tensor is missing, unknown, or of a shape that does not fit the rest.
    pub(super) fn new(meta: &Meta) -> Result<Self, Fault> {
        let io = &meta.io;
        let obs = find(&io.inputs, &io.obs, "input")?;
        let width = row_width(obs)?;
        if u64::try_from(width).ok() != Some(meta.obs.dim) {
            let (name, dim) = (shorten(&io.obs), meta.obs.dim);
            return Err(Fault::Io(format!(
                "input {name:?} is {width} wide, obs.dim is {dim}"
            )));
        }
        let n_actions = meta.actions.targets.len();
        let logits = row_width(find(&io.outputs, &io.logits, "output")?)?;
        if i64::try_from(n_actions) != Ok(logits) {
            return Err(Fault::Targets {
                targets: n_actions,
                logits,
            });
        }
        single(find(&io.outputs, &io.value, "output")?)?;
        let wiring = Self {
            inputs: io.inputs.clone(),
            outputs: io.outputs.clone(),
            obs: io.obs.clone(),
            obs_len: width,
            logits: io.logits.clone(),
            n_actions,
            value: io.value.clone(),
            episode_starts: io.episode_starts.clone(),
            states: states(meta)?,
        };
        wiring.check_complete()?;
        Ok(wiring)
    }

    /// Every described tensor has exactly one job.
    fn check_complete(&self) -> Result<(), Fault> {
        if self.episode_starts.is_some() == self.states.is_empty() {
            return Err(Fault::Io(
                "episode_starts and state belong together: give both or none".to_owned(),
            ));
        }
        if let Some(name) = &self.episode_starts {
            single(find(&self.inputs, name, "input")?)?;
        }
        let inputs = [&self.obs]
            .into_iter()
            .chain(&self.episode_starts)
            .chain(self.states.iter().map(|state| &state.input));
        let outputs = [&self.logits, &self.value]
            .into_iter()
            .chain(self.states.iter().map(|state| &state.output));
        all_used("input", &self.inputs, inputs.collect())?;
        all_used("output", &self.outputs, outputs.collect())
    }
}

fn all_used(side: &str, described: &[TensorSpec], mut used: Vec<&String>) -> Result<(), Fault> {
    let mut names: Vec<_> = described.iter().map(|tensor| &tensor.name).collect();
    names.sort_unstable();
    used.sort_unstable();
    if names == used {
        return Ok(());
    }
    Err(Fault::Io(format!(
        "{side}s are {names:?}, those with a job are {used:?}"
    )))
}

fn states(meta: &Meta) -> Result<Vec<StateWire>, Fault> {
    let io = &meta.io;
    io.state
        .iter()
        .map(|state| {
            for (tensor, name) in [
                (find(&io.inputs, &state.input, "input")?, &state.input),
                (find(&io.outputs, &state.output, "output")?, &state.output),
            ] {
                if concrete(&tensor.name, &tensor.shape)? != concrete(name, &state.shape)? {
                    let name = shorten(name);
                    return Err(Fault::Io(format!(
                        "state {name:?} has another shape than its tensor"
                    )));
                }
            }
            Ok(StateWire {
                input: state.input.clone(),
                output: state.output.clone(),
                shape: concrete(&state.input, &state.shape)?,
            })
        })
        .collect()
}

fn find<'a>(tensors: &'a [TensorSpec], name: &str, side: &str) -> Result<&'a TensorSpec, Fault> {
    tensors
        .iter()
        .find(|tensor| tensor.name == name)
        .ok_or_else(|| Fault::Io(format!("there is no {side} {:?}", shorten(name))))
}

/// Shape with a batch of 1.
fn concrete(name: &str, shape: &[Dim]) -> Result<Vec<i64>, Fault> {
    let shape: Vec<i64> = shape
        .iter()
        .map(|dim| match dim {
            Dim::Fixed(n) => *n,
            Dim::Batch(_) => 1,
        })
        .collect();
    let numbers = shape
        .iter()
        .try_fold(1_i64, |n, dim| n.checked_mul(*dim).filter(|n| 0 < *n));
    match numbers {
        Some(n) if n <= MAX_NUMBERS => Ok(shape),
        _ => Err(Fault::Io(format!(
            "shape of {:?} is not usable",
            shorten(name)
        ))),
    }
}

/// Width of a `[B, width]` tensor.
fn row_width(tensor: &TensorSpec) -> Result<i64, Fault> {
    match concrete(&tensor.name, &tensor.shape)?[..] {
        [1, width] => Ok(width),
        _ => Err(Fault::Io(format!(
            "shape of {:?} is not [B, width]",
            shorten(&tensor.name)
        ))),
    }
}

/// A tensor of one number.
fn single(tensor: &TensorSpec) -> Result<(), Fault> {
    if concrete(&tensor.name, &tensor.shape)?
        .iter()
        .all(|n| *n == 1)
    {
        Ok(())
    } else {
        Err(Fault::Io(format!(
            "{:?} is not one number a row",
            shorten(&tensor.name)
        )))
    }
}
