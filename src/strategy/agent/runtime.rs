//! The one ONNX engine of the process: tract, built in, or a named libonnxruntime.
//!
//! Chosen once, at start. A library that was asked for and does not load is an error; it never
//! quietly becomes the other engine, because the engine belongs into every report.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

use super::native;

/// Environment variable that names a libonnxruntime.
const LIBRARY_VARIABLE: &str = "ORT_DYLIB_PATH";

/// Why there is no engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuntimeError {
    /// A library that was asked for cannot be used.
    #[error("cannot use {} as ONNX engine: {problem}", path.display())]
    Library {
        /// Path as given.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Nothing is built in and nothing was named.
    #[error(
        "no ONNX engine is built in: name a libonnxruntime in the settings or {LIBRARY_VARIABLE}"
    )]
    NothingBuiltIn,
    /// The process already runs another engine.
    #[error("ONNX engine {active} is already in use, {} came too late; restart", wanted.display())]
    AlreadyChosen {
        /// Engine in use.
        active: String,
        /// Library asked for.
        wanted: PathBuf,
    },
    /// The engine does not start.
    #[error("ONNX engine {name} does not start: {problem}")]
    Start {
        /// Engine.
        name: String,
        /// What it said.
        problem: String,
    },
}

/// The engine of the process.
pub struct Engine {
    environment: Environment,
    name: String,
    library: Option<PathBuf>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Engine").field(&self.name).finish()
    }
}

static ENGINE: OnceLock<Engine> = OnceLock::new();
static CHOOSING: Mutex<()> = Mutex::new(());

/// Chooses the engine of the process: `library`, else the one that `ORT_DYLIB_PATH` names, else
/// the built-in one. Once chosen it stays; asking for the same one again is fine.
///
/// # Errors
///
/// When the library does not load, nothing is built in, or another engine is already in use.
pub fn init(library: Option<&Path>) -> Result<&'static Engine, RuntimeError> {
    // Held while choosing only; nothing waits for anything else inside.
    let _choosing = CHOOSING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(engine) = ENGINE.get() {
        return match library {
            Some(wanted) if engine.library.as_deref() != Some(wanted) => {
                Err(RuntimeError::AlreadyChosen {
                    active: engine.name.clone(),
                    wanted: wanted.to_owned(),
                })
            }
            _ => Ok(engine),
        };
    }
    let library = library.map(Path::to_owned).or_else(|| {
        std::env::var_os(LIBRARY_VARIABLE)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    });
    let engine = Engine::start(library)?;
    tracing::info!(engine = engine.name, "onnx engine chosen");
    Ok(ENGINE.get_or_init(|| engine))
}

/// The engine of the process, chosen as by `init(None)` when nobody has chosen yet.
///
/// # Errors
///
/// As [`init`].
pub fn engine() -> Result<&'static Engine, RuntimeError> {
    match ENGINE.get() {
        Some(engine) => Ok(engine),
        None => init(None),
    }
}

impl Engine {
    /// Name and version, as in `tract 0.5.0` or `onnxruntime 1.31.1`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Path of the library, unless built in.
    #[must_use]
    pub fn library(&self) -> Option<&Path> {
        self.library.as_deref()
    }

    fn start(library: Option<PathBuf>) -> Result<Self, RuntimeError> {
        let name = match &library {
            Some(path) => {
                let native = native::load(path)?;
                take_api(native.api, format!("onnxruntime {}", native.version))?
            }
            None => built_in()?,
        };
        let environment = ort::init()
            .with_logger(Arc::new(log))
            .build()
            .map_err(|e| RuntimeError::Start {
                name: name.clone(),
                problem: e.to_string(),
            })?;
        if library.is_some() {
            // The default of a custom logger is everything; tract has no such call.
            environment.set_log_level(LogLevel::Warning);
        }
        Ok(Self {
            environment,
            name,
            library,
        })
    }

    /// A session over a model, on one thread.
    pub(super) fn open(&self, onnx: &[u8]) -> ort::Result<Session> {
        // Without the optimisation level tract is forty times slower. More threads would spin.
        Session::builder(&self.environment)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_threads(1)?
            .with_inter_threads(1)?
            .commit_from_memory(onnx)
    }
}

/// Gives the bindings their function table, which they take once a process.
fn take_api(api: ort::sys::OrtApi, name: String) -> Result<String, RuntimeError> {
    if ort::set_api(api) {
        Ok(name)
    } else {
        Err(RuntimeError::Start {
            name,
            problem: "another start has failed in this process; restart".to_owned(),
        })
    }
}

#[cfg(feature = "tract")]
fn built_in() -> Result<String, RuntimeError> {
    take_api(ort_tract::api(), "tract".to_owned())?;
    let version = ort::info().rsplit_once("version=").map_or("?", |(_, v)| v);
    Ok(format!("tract {version}"))
}

#[cfg(not(feature = "tract"))]
fn built_in() -> Result<String, RuntimeError> {
    Err(RuntimeError::NothingBuiltIn)
}

/// Engine messages go into the log; printed they would tear the screen.
fn log(level: LogLevel, category: &str, _id: &str, place: &str, message: &str) {
    match level {
        LogLevel::Verbose => tracing::trace!(category, place, message, "onnx engine"),
        LogLevel::Info => tracing::debug!(category, place, message, "onnx engine"),
        LogLevel::Warning => tracing::warn!(category, place, message, "onnx engine"),
        LogLevel::Error | LogLevel::Fatal => {
            tracing::error!(category, place, message, "onnx engine");
        }
    }
}
