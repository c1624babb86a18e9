//! A trained agent on disk or in memory, refused unless everything in it agrees.
//!
//! The checks run in the order in which a person would want to hear of them: versions, missing
//! keys, contradictions, the file's size and hash, its weights, and last the graph itself.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::domain::{Category, Exposure, Interval, Rate, Symbol};
use crate::features::Normaliser;
use crate::strategy::FeeSchedule;

use super::fault::{BundleError, Fault};
use super::meta::Meta;
use super::onnx;
use super::policy::Policy;
use super::runtime;
use super::wiring::Wiring;

/// Largest `meta.json` that is read.
const MAX_META: u64 = 8 << 20;

/// A model with everything the live side has to know about it; checked whole.
#[derive(Debug, Clone)]
pub struct Bundle {
    meta: Meta,
    onnx: Arc<[u8]>,
    label: String,
    dir: Option<PathBuf>,
    hash: String,
    normaliser: Normaliser,
    targets: Vec<Exposure>,
    fees: FeeSchedule,
    wiring: Wiring,
}

impl Bundle {
    /// Loads the bundle in a folder.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or anything in the bundle is unknown, missing, contradictory
    /// or not runnable; the message names the reason.
    pub fn load(dir: &Path) -> Result<Self, BundleError> {
        let label = dir.display().to_string();
        let inner = || -> Result<Self, Fault> {
            let json = read(dir, "meta.json", MAX_META)?;
            let meta = Meta::parse(&json)?;
            let model = &meta.model;
            let onnx = read(dir, &model.file, model.bytes.saturating_add(1))?;
            let mut bundle = Self::checked(meta, onnx.into(), label.clone())?;
            bundle.dir = Some(dir.to_owned());
            Ok(bundle)
        };
        inner().map_err(|fault| BundleError {
            bundle: label.clone(),
            fault,
        })
    }

    /// Loads a bundle from memory, as one that is part of the binary. `label` names it in errors.
    ///
    /// # Errors
    ///
    /// As [`Bundle::load`].
    pub fn from_parts(meta_json: &[u8], onnx: &[u8], label: &str) -> Result<Self, BundleError> {
        Meta::parse(meta_json)
            .and_then(|meta| Self::checked(meta, onnx.into(), label.to_owned()))
            .map_err(|fault| BundleError {
                bundle: label.to_owned(),
                fault,
            })
    }

    fn checked(meta: Meta, onnx: Arc<[u8]>, label: String) -> Result<Self, Fault> {
        let normaliser = meta.normaliser()?;
        let fees = meta.fee_schedule()?;
        let targets = targets(&meta.actions.targets)?;
        let wiring = Wiring::new(&meta)?;
        let hash = check_file(&meta, &onnx)?;
        let bundle = Self {
            meta,
            onnx,
            label,
            dir: None,
            hash,
            normaliser,
            targets,
            fees,
            wiring,
        };
        bundle.policy()?;
        Ok(bundle)
    }

    /// A fresh session over the model.
    pub(super) fn policy(&self) -> Result<Policy, Fault> {
        let engine = runtime::engine()?;
        Ok(Policy::open(engine, &self.wiring, &self.onnx)?)
    }

    /// A fresh session over the model, with the recurrent state at zero.
    ///
    /// # Errors
    ///
    /// When there is no engine, or it does not take the model it took before.
    pub fn open(&self) -> Result<Policy, BundleError> {
        self.policy().map_err(|fault| self.error(fault))
    }

    /// Checks that the bundle was made for this market.
    ///
    /// # Errors
    ///
    /// When symbol, category or interval differ; names all six.
    pub fn check_market(
        &self,
        symbol: &Symbol,
        category: Category,
        interval: Interval,
    ) -> Result<(), BundleError> {
        let meta = &self.meta;
        if meta.symbol == *symbol && meta.category == category && meta.interval == interval {
            return Ok(());
        }
        Err(self.error(Fault::Market {
            symbol: meta.symbol.clone(),
            category: meta.category,
            interval: meta.interval,
            wanted_symbol: symbol.clone(),
            wanted_category: category,
            wanted_interval: interval,
        }))
    }

    fn error(&self, fault: Fault) -> BundleError {
        BundleError {
            bundle: self.label.clone(),
            fault,
        }
    }

    /// What the bundle says about itself.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The ONNX file.
    #[must_use]
    pub fn onnx(&self) -> &[u8] {
        &self.onnx
    }

    /// Folder it was loaded from; `None` for one from memory.
    #[must_use]
    pub fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// Folder or label, as in error messages.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// SHA-256 of the model file, in lower-case hex.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The statistics of the training data.
    #[must_use]
    pub fn normaliser(&self) -> &Normaliser {
        &self.normaliser
    }

    /// Target of each action, in the model's order.
    #[must_use]
    pub fn targets(&self) -> &[Exposure] {
        &self.targets
    }

    /// Costs the agent was trained for.
    #[must_use]
    pub fn fees(&self) -> FeeSchedule {
        self.fees
    }

    /// Bars of the observation.
    pub(super) fn window(&self) -> usize {
        // The layout has been compared entry by entry, so the number is small.
        usize::try_from(self.meta.obs.window).unwrap_or(usize::MAX)
    }
}

/// Reads a file of a bundle, at most `limit` bytes of it.
fn read(dir: &Path, file: &str, limit: u64) -> Result<Vec<u8>, Fault> {
    use std::io::Read;
    let fail = |source| Fault::Read {
        file: file.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    std::fs::File::open(dir.join(file))
        .map_err(fail)?
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    Ok(bytes)
}

fn targets(targets: &[f64]) -> Result<Vec<Exposure>, Fault> {
    targets
        .iter()
        .map(|&target| {
            Rate::from_f64(target)
                .and_then(|rate| Exposure::new(rate).ok())
                .ok_or(Fault::Target(target))
        })
        .collect()
}

/// Size, hash, weights and operator set; gives the hash.
fn check_file(meta: &Meta, onnx: &[u8]) -> Result<String, Fault> {
    let model = &meta.model;
    let found = onnx.len() as u64;
    if found != model.bytes {
        return Err(Fault::Size {
            found,
            expected: model.bytes,
        });
    }
    let mut hash = String::with_capacity(64);
    for byte in Sha256::digest(onnx) {
        write!(hash, "{byte:02x}").expect("writing to a string cannot fail");
    }
    if !hash.eq_ignore_ascii_case(&model.sha256) {
        return Err(Fault::Hash {
            found: hash,
            expected: super::fault::shorten(&model.sha256),
        });
    }
    let facts = onnx::inspect(onnx)?;
    if facts.opset != model.opset {
        return Err(Fault::Opset {
            found: facts.opset,
            expected: model.opset,
        });
    }
    Ok(hash)
}
